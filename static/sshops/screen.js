// A terminal emulator in our colours: xterm.js with its addons.
import "./styles.js";
import { FitAddon } from "../vendor/xterm/addon-fit.mjs";
import { SearchAddon } from "../vendor/xterm/addon-search.mjs";
import { Unicode11Addon } from "../vendor/xterm/addon-unicode11.mjs";
import { WebLinksAddon } from "../vendor/xterm/addon-web-links.mjs";
import { Terminal } from "../vendor/xterm/xterm.mjs";

const FONTS =
  'ui-monospace, "Cascadia Mono", "JetBrains Mono", D2Coding, "Noto Sans Mono CJK KR", monospace';
const NARROW = 640;
const dark = matchMedia("(prefers-color-scheme: dark)");
const screens = new Set();

function dress() {
  for (const screen of screens) screen.wearTheme();
}
dark.addEventListener("change", dress);
new MutationObserver(dress).observe(document.documentElement, {
  attributeFilter: ["data-theme"],
});

export class Screen {
  /** Fills `mount`; hooks: onInput(bytes), onSize(cols, rows). */
  constructor(mount, { onInput = null, onSize = null, label = "" } = {}) {
    this.mount = mount;
    this.fits = true;
    this.terminal = new Terminal({
      allowProposedApi: true, // of the addon for Unicode
      cursorBlink: onInput !== null,
      disableStdin: onInput === null,
      fontFamily: FONTS,
      fontSize: innerWidth < NARROW ? 12 : 14,
      minimumContrastRatio: 4.5,
      scrollback: 10_000,
    });
    this.fitting = new FitAddon();
    this.searching = new SearchAddon();
    this.terminal.loadAddon(this.fitting);
    this.terminal.loadAddon(this.searching);
    this.terminal.loadAddon(new Unicode11Addon());
    this.terminal.loadAddon(new WebLinksAddon());
    this.terminal.unicode.activeVersion = "11";
    this.terminal.open(mount);
    this.terminal.textarea.setAttribute("aria-label", label);
    this.wearTheme();
    screens.add(this);
    if (onInput) {
      const encoder = new TextEncoder();
      this.terminal.onData((text) => onInput(encoder.encode(text)));
      // Reports of the mouse in its old form are bytes, not text.
      this.terminal.onBinary((text) =>
        onInput(Uint8Array.from(text, (letter) => letter.charCodeAt(0))),
      );
    }
    if (onSize) this.terminal.onResize(({ cols, rows }) => onSize(cols, rows));
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(mount);
  }

  get size() {
    return { cols: this.terminal.cols, rows: this.terminal.rows };
  }

  /** Take all the room there is, unless the size is another's. */
  fit() {
    if (this.fits && this.mount.offsetParent !== null) this.fitting.fit();
  }

  resize(cols, rows) {
    this.terminal.resize(cols, rows);
  }

  write(data, done) {
    this.terminal.write(data, done);
  }

  note(text) {
    this.terminal.write(`\r\n\x1b[2m${text}\x1b[0m\r\n`);
  }

  find(text, back = false) {
    return back ? this.searching.findPrevious(text) : this.searching.findNext(text);
  }

  wearTheme() {
    const { color, backgroundColor } = getComputedStyle(this.mount);
    this.terminal.options.theme = {
      background: backgroundColor,
      foreground: color,
      cursor: color,
      cursorAccent: backgroundColor,
      selectionBackground: "#4b9b9480",
    };
  }

  dispose() {
    screens.delete(this);
    this.observer.disconnect();
    this.terminal.dispose();
  }
}
