// The moment that plots and paths show, and its course in real time.
import { $, write } from "../shared/elements.js";
import { fill, gettext } from "../shared/i18n.js";
import { twoDecimals } from "./words.js";

export class Playback {
  constructor() {
    this.moment = 0;
    this.length = 0;
    this.listeners = [];
    $("moment").addEventListener("input", () => this.show(Number($("moment").value)));
    $("play").addEventListener("click", () => (this.frame ? this.pause() : this.play()));
  }

  /** listener(seconds) is told of each new moment. */
  listen(listener) {
    this.listeners.push(listener);
    listener(this.moment);
  }

  setLength(seconds) {
    this.length = seconds;
    $("moment").max = seconds;
    this.show(Math.min(this.moment, seconds));
  }

  show(seconds) {
    this.moment = Math.max(0, Math.min(seconds, this.length));
    $("moment").value = this.moment;
    const text = fill(gettext("%(seconds)s s"), { seconds: twoDecimals(this.moment) });
    write($("moment-text"), text);
    $("moment").setAttribute("aria-valuetext", text);
    for (const listener of this.listeners) listener(this.moment);
  }

  play() {
    if (this.moment >= this.length) this.show(0);
    let before = performance.now();
    const step = (now) => {
      this.show(this.moment + (now - before) / 1000);
      before = now;
      if (this.moment >= this.length) this.pause();
      else this.frame = requestAnimationFrame(step);
    };
    this.frame = requestAnimationFrame(step);
    write($("play"), gettext("Pause"));
  }

  pause() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    write($("play"), gettext("Play"));
  }
}
