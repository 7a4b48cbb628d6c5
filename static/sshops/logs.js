// What has been: recordings to play, and the audit log.
import { $, element, say } from "../shared/elements.js";
import { gettext } from "../shared/i18n.js";
import { bytes } from "./file_cards.js";
import { Player } from "./player.js";

const PAGE = 50;
const LARGEST = 64 << 20; // played in the browser; larger ones are for a program

const time = (text) =>
  text
    ? new Date(text).toLocaleString(document.documentElement.lang, {
        dateStyle: "short",
        timeStyle: "medium",
      })
    : "";

const cells = (...contents) =>
  element("tr", {}, ...contents.map((content) => element("td", {}, content ?? "")));

/** A table that is read page by page. */
class Listing {
  constructor(rest, path, { rows, more, nothing, query = () => ({}) }) {
    Object.assign(this, { rest, path, query });
    this.rows = $(rows);
    this.more = $(more);
    this.nothing = $(nothing);
    this.more.addEventListener("click", () => this.read(this.rows.children.length));
  }

  async read(offset = 0) {
    try {
      const { total, items } = await this.rest.call("GET", this.path, {
        query: { ...this.query(), limit: PAGE, offset },
      });
      const made = items.map((item) => this.row(item));
      if (offset) this.rows.append(...made);
      else this.rows.replaceChildren(...made);
      this.more.hidden = this.rows.children.length >= total;
      this.nothing.hidden = total > 0;
    } catch (error) {
      say(error.message, "bad");
    }
  }
}

export class Recordings extends Listing {
  constructor(rest) {
    super(rest, "recordings", {
      rows: "recording-rows",
      more: "recordings-more",
      nothing: "recordings-nothing",
    });
    this.player = new Player();
  }

  open() {
    this.read();
  }

  row(item) {
    const play = element("button", { type: "button", class: "quiet" }, gettext("Play"));
    play.disabled = item.size > LARGEST;
    play.addEventListener("click", () => this.play(item.id, title(item)));
    const file = element(
      "a",
      { href: this.rest.url(`recordings/${item.id}.cast`), download: "" },
      gettext("Download"),
    );
    const what = item.kind === "shell" ? gettext("Terminal") : item.text;
    return cells(
      time(item.started_at),
      item.user,
      item.server_name,
      element("span", { class: "cut", title: what }, what),
      `${bytes(item.size)}${item.ended_at && !item.is_complete ? " ⚠" : ""}`,
      element("span", { class: "buttons" }, play, file),
    );
  }

  async play(id, name = "") {
    try {
      const answer = await fetch(this.rest.url(`recordings/${id}.cast`));
      if (!answer.ok) throw new Error(gettext("There is no such recording."));
      this.player.show(name, await answer.text());
    } catch (error) {
      say(error.message, "bad");
    }
  }
}

const title = (item) => `${item.server_name} · ${item.user} · ${time(item.started_at)}`;

export class Audit extends Listing {
  constructor(rest) {
    super(rest, "audit", {
      rows: "audit-rows",
      more: "audit-more",
      nothing: "audit-nothing",
      query: () => Object.fromEntries(new FormData($("audit-form"))),
    });
    $("audit-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.read();
    });
  }

  open() {
    this.read();
  }

  row(item) {
    const { outcome, exit_status: status, error_code: code } = item;
    const beside = code ?? (status === null ? "" : status);
    return cells(
      time(item.started_at),
      item.user,
      item.server_name,
      kinds()[item.kind] ?? item.kind,
      element("span", { class: "cut", title: item.text }, item.text),
      element(
        "span",
        { class: `badge ${LOOKS[outcome] ?? "idle"}` },
        `${outcomes()[outcome] ?? outcome} ${beside}`.trim(),
      ),
    );
  }
}

const LOOKS = { running: "soon", complete: "live", error: "down", disconnected: "down" };

const kinds = () => ({
  command: gettext("Command"),
  input: gettext("Input"),
  transfer: gettext("Transfer"),
  session: gettext("Session"),
  host_key: gettext("Host key"),
});

const outcomes = () => ({
  running: gettext("running"),
  complete: gettext("complete"),
  error: gettext("error"),
  cancelled: gettext("cancelled"),
  disconnected: gettext("disconnected"),
});
