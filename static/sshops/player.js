// Plays an asciicast in a terminal emulator: pause, seek, speed, long pauses cut short.
import { $, write } from "../shared/elements.js";
import { gettext } from "../shared/i18n.js";
import { Screen } from "./screen.js";

const LONGEST_PAUSE = 2; // seconds of silence that are played

export class Player {
  constructor() {
    this.dialog = $("player");
    this.mount = $("player-screen");
    this.seek = $("player-seek");
    this.speed = $("player-speed");
    this.button = $("player-play");
    this.button.addEventListener("click", () => (this.isPlaying ? this.pause() : this.play()));
    this.seek.addEventListener("input", () => this.go(Number(this.seek.value)));
    this.dialog.addEventListener("close", () => this.clear());
    $("player-close").addEventListener("click", () => this.dialog.close());
  }

  /** Open the dialog with a recording's text and play it. */
  show(title, text) {
    const [head, ...lines] = text.trimEnd().split("\n");
    const header = JSON.parse(head);
    this.events = shortened(lines.map(parsed).filter((event) => event !== null));
    this.length = this.events.at(-1)?.[0] ?? 0;
    $("player-title").textContent = title;
    this.dialog.showModal();
    this.header = header;
    this.screen = new Screen(this.mount, { label: title });
    this.screen.fits = false;
    this.seek.max = String(this.length);
    this.restart();
    this.play();
  }

  restart() {
    this.screen.terminal.reset();
    this.screen.resize(this.header.width, this.header.height);
    this.next = 0;
    this.time = 0;
  }

  play() {
    if (this.time >= this.length) this.restart();
    this.isPlaying = true;
    this.drawnAt = performance.now();
    this.frame = requestAnimationFrame((now) => this.tick(now));
    this.draw();
  }

  pause() {
    this.isPlaying = false;
    cancelAnimationFrame(this.frame);
    this.draw();
  }

  tick(now) {
    this.advance(this.time + ((now - this.drawnAt) / 1000) * Number(this.speed.value));
    this.drawnAt = now;
    if (this.time >= this.length) this.pause();
    else this.frame = requestAnimationFrame((later) => this.tick(later));
    this.draw();
  }

  go(time) {
    if (time < this.time) this.restart();
    this.advance(time);
    this.draw();
  }

  /** Show what happened up to a moment. */
  advance(time) {
    let text = "";
    while (this.next < this.events.length && this.events[this.next][0] <= time) {
      const [, code, data] = this.events[this.next];
      this.next += 1;
      if (code === "o") text += data;
      else if (code === "r") {
        this.screen.write(text);
        text = "";
        this.screen.resize(...data.split("x").map(Number));
      }
    }
    if (text) this.screen.write(text);
    this.time = Math.min(time, this.length);
  }

  draw() {
    this.seek.value = String(this.time);
    write(this.button, this.isPlaying ? gettext("Pause") : gettext("Play"));
    write($("player-time"), `${clock(this.time)} / ${clock(this.length)}`);
  }

  clear() {
    this.pause();
    this.screen?.dispose();
    this.screen = null;
    this.mount.replaceChildren();
  }
}

/** A line of the file; the last one of a killed process may be cut. */
function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function shortened(events) {
  let before = 0;
  let cut = 0;
  return events.map(([time, code, data]) => {
    cut += Math.max(0, time - before - LONGEST_PAUSE);
    before = time;
    return [time - cut, code, data];
  });
}

const clock = (seconds) =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
