// The list of files on their way, and of those this browser left unfinished.
import { $, element, write } from "../shared/elements.js";
import { fill, gettext } from "../shared/i18n.js";
import { duration, size } from "./amounts.js";
import { forget, unfinished } from "./sending.js";

const rows = new Map();

function button(text, action) {
  const made = element("button", { type: "button", class: "quiet" }, text);
  made.addEventListener("click", action);
  return made;
}

function rowOf(sending) {
  const row = {
    progress: element("progress", { max: 1, "aria-label": sending.file.name }),
    state: element("p", { class: "state" }),
    pause: button(gettext("Pause"), () => sending.pause()),
    resume: button(gettext("Go on"), () => sending.resume()),
    giveUp: button(gettext("Give up"), () => sending.giveUp()),
    close: button(gettext("Close"), () => remove(sending)),
  };
  const { pause, resume, giveUp, close } = row;
  row.item = element(
    "li",
    {},
    element("span", { class: "name" }, sending.file.name),
    element("div", { class: "buttons" }, pause, resume, giveUp, close),
    row.progress,
    row.state,
  );
  $("going-list").append(row.item);
  rows.set(sending, row);
  return row;
}

function remove(sending) {
  rows.get(sending)?.item.remove();
  rows.delete(sending);
  $("going").hidden = rows.size === 0;
}

/** Show what became of a file; one that arrived or was given up leaves the list. */
export function show(sending) {
  const { state, sent, file } = sending;
  if (state === "done" || state === "given-up") {
    remove(sending);
    return;
  }
  const row = rows.get(sending) ?? rowOf(sending);
  $("going").hidden = false;
  row.item.className = state;
  row.progress.value = file.size ? sent / file.size : 0;
  const moving = ["queued", "sending", "waiting"].includes(state);
  row.pause.hidden = !moving;
  row.resume.hidden = state !== "paused";
  row.giveUp.hidden = state === "failed";
  row.close.hidden = state !== "failed";
  write(row.state, words(sending));
}

function words({ state, sent, file, speed, reason }) {
  const values = {
    sent: size(sent),
    size: size(file.size),
    percent: file.size ? Math.floor((100 * sent) / file.size) : 0,
    speed: size(speed),
    left: speed ? duration((file.size - sent) / speed) : "",
  };
  const amount = fill(gettext("%(sent)s of %(size)s (%(percent)s %)"), values);
  if (state === "failed") return reason;
  if (state === "queued") return fill(gettext("%(size)s, waiting for its turn"), values);
  if (state === "paused") return `${amount} · ${gettext("paused")}`;
  if (state === "waiting") {
    return `${amount} · ${gettext("the connection is lost; it goes on by itself")}`;
  }
  if (!speed) return amount;
  return `${amount} · ${fill(gettext("%(speed)s a second, %(left)s left"), values)}`;
}

/** List what an earlier visit left unfinished. */
export async function showUnfinished() {
  const found = await unfinished();
  $("unfinished").hidden = found.length === 0;
  $("unfinished-list").replaceChildren(
    ...found.map((upload) => {
      const giveUp = button(gettext("Give up"), async () => {
        await forget(upload);
        await showUnfinished();
      });
      return element(
        "li",
        {},
        element("span", { class: "name" }, upload.metadata.filename),
        element("div", { class: "buttons" }, giveUp),
        element("p", { class: "state" }, size(upload.size)),
      );
    }),
  );
}
