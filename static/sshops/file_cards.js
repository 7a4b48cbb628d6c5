// What one sees of a file on its way: name, bar, figures, a button to stop it.
import { element, write } from "../shared/elements.js";
import { fill, gettext } from "../shared/i18n.js";

const UNITS = ["B", "KB", "MB", "GB", "TB"];

/** A number of bytes for people. */
export function bytes(count) {
  let unit = 0;
  let value = count;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit ? value.toFixed(1) : value} ${UNITS[unit]}`;
}

/** How far something is, how fast, and how long it will take yet. */
export function progressText(done, total, speed) {
  const amounts = { done: bytes(done), total: bytes(total) };
  if (!speed) return fill(gettext("%(done)s of %(total)s"), amounts);
  const text = gettext("%(done)s of %(total)s · %(speed)s a second · %(left)s s left");
  const left = Math.ceil(Math.max(total - done, 0) / speed);
  return fill(text, { ...amounts, speed: bytes(Math.round(speed)), left });
}

export class FileCard {
  constructor(title) {
    this.onStop = () => {};
    this.bar = element("progress", { max: 1, "aria-label": title });
    this.state = element("p", { class: "small muted", role: "status" });
    this.stop = element("button", { type: "button", class: "quiet" }, gettext("Stop"));
    this.stop.addEventListener("click", () => this.onStop());
    this.node = element(
      "li",
      { class: "card" },
      element("header", {}, element("p", {}, title), this.stop),
      this.bar,
      this.state,
    );
  }

  progress(done, total, text) {
    this.bar.value = total ? done / total : 0;
    this.say(text);
  }

  say(text) {
    write(this.state, text);
  }

  end(text, kind) {
    this.stop.hidden = true;
    if (kind === "good") this.bar.value = 1;
    else this.bar.hidden = true;
    this.state.className = `small run-state ${kind}`;
    this.say(text);
  }
}
