// One terminal: its socket, its screen, and the bar above it.
import { element, write } from "../shared/elements.js";
import { fill, gettext } from "../shared/i18n.js";
import { LiveSocket } from "../shared/socket.js";
import { Screen } from "./screen.js";

const ACKNOWLEDGE_EVERY = 1 << 16;
const PIECE = 1 << 16;
// Close codes after which the shell may live on; 4401 asks to sign in first.
const LIVES_ON = new Set([1001, 1005, 1006, 1011, 1012, 1013, 4401, 4503]);

export class Shell {
  /** `row` as the server lists it; hooks: onState(), onEnd(). */
  constructor(rest, row, { watches = false, onState, onEnd }) {
    this.rest = rest;
    this.row = row;
    this.watches = watches;
    this.hooks = { onState, onEnd };
    this.received = this.shown = this.acknowledged = 0;
    this.replayed = 0; // where the replay ends: what it makes the screen say is no input
    this.writes = false;
    this.over = false;
    this.build();
  }

  get id() {
    return this.row.id;
  }

  build() {
    this.state = element("span", { class: "shell-state", role: "status" });
    this.search = element("input", {
      type: "search",
      placeholder: gettext("Search"),
      "aria-label": gettext("Search in this terminal"),
    });
    this.take = this.button(gettext("Type here"), () => this.say({ type: "take" }));
    this.take.hidden = true;
    this.end = this.button(gettext("End"), () => this.finish(), "danger-text");
    this.mount = element("div", { class: "screen" });
    this.panel = element(
      "div",
      { class: "shell", role: "tabpanel" },
      element("div", { class: "shell-bar" }, this.state, this.search, this.take, this.end),
      this.mount,
    );
    this.search.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.screen?.find(this.search.value, event.shiftKey);
    });
  }

  button(text, action, kind = "") {
    const made = element("button", { type: "button", class: `quiet ${kind}` }, text);
    made.addEventListener("click", action);
    return made;
  }

  /** Show it; the first time it connects. */
  open() {
    this.screen ??= new Screen(this.mount, {
      onInput: (bytes) => this.type(bytes),
      onSize: (cols, rows) => this.writes && this.say({ type: "resize", cols, rows }),
      label: fill(gettext("Terminal on %(server)s"), { server: this.row.server }),
    });
    this.screen.fit();
    this.connect();
    this.screen.terminal.focus();
  }

  connect() {
    if (this.socket || this.over) return;
    this.socket = new LiveSocket(this.url(), {
      onFrame: (data) => this.hear(data),
      onOpen: () => {},
      onState: () => this.changed(),
      onClosed: (code) => LIVES_ON.has(code) || this.stop(),
      mayRetry: async () => true,
    });
  }

  url() {
    const { cols, rows } = this.screen.size;
    return this.rest.socketUrl(`ws/terminals/${this.id}`, {
      from: this.received,
      cols,
      rows,
      watch: this.watches ? 1 : 0,
    });
  }

  changed() {
    const { state } = this.socket ?? { state: "connecting" };
    // The next try goes on where this one broke off.
    if (state === "waiting" || state === "offline") this.socket.url = this.url();
    if (state !== "live") this.writes = false;
    this.show();
  }

  hear(data) {
    if (typeof data !== "string") this.take_in(new Uint8Array(data));
    else this.heed(JSON.parse(data));
  }

  take_in(bytes) {
    this.received += bytes.length;
    this.screen.write(bytes, () => {
      this.shown += bytes.length;
      const unsaid = this.shown - this.acknowledged;
      if (unsaid < ACKNOWLEDGE_EVERY && this.shown !== this.received) return;
      this.acknowledged = this.shown;
      this.say({ type: "ack", offset: this.shown });
    });
  }

  heed(message) {
    if (message.type === "attached") {
      if (this.received && message.offset !== this.received) this.skip(message.offset);
      this.received = this.shown = this.acknowledged = message.offset;
      this.replayed = message.end;
      this.writes = message.writes;
      this.wearSize(message);
    } else if (message.type === "skipped") {
      this.skip(message.offset);
      this.received = this.shown = this.acknowledged = message.offset;
    } else if (message.type === "resized") {
      if (!this.writes) this.wearSize(message);
    } else if (message.type === "taken") {
      this.writes = false;
      this.screen.fits = false;
    } else if (message.type === "given") {
      this.writes = true;
      this.screen.fits = true;
      this.screen.fit();
      this.say({ type: "resize", ...this.screen.size });
    } else if (message.type === "input_refused") {
      this.screen.note(gettext("That was too much at once; the rest was left out."));
    } else if (message.type === "ended") {
      this.stop(words(message));
    } else if (message.type === "error") {
      if (!this.received) this.stop(message.detail);
      else this.screen.note(message.detail);
    }
    this.show();
  }

  /** Who types decides about the size; others see it as it is. */
  wearSize({ cols, rows }) {
    this.screen.fits = this.writes;
    if (this.writes) this.screen.fit();
    else this.screen.resize(cols, rows);
  }

  skip(offset) {
    const lost = offset - this.received;
    if (lost > 0) {
      this.screen.note(fill(gettext("%(n)s bytes went by unseen"), { n: lost }));
    } else this.screen.terminal.reset();
  }

  type(bytes) {
    if (!this.writes || this.shown < this.replayed) return;
    for (let at = 0; at < bytes.length; at += PIECE) {
      this.socket.socket.send(bytes.subarray(at, at + PIECE));
    }
  }

  say(message) {
    const socket = this.socket?.socket;
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }

  async finish() {
    await this.rest.call("DELETE", `terminals/${this.id}`).catch(() => {});
    if (!this.socket) this.stop();
  }

  stop(text = gettext("This terminal is closed.")) {
    if (this.over) return;
    this.over = true;
    this.writes = false;
    this.screen?.note(`— ${text}`);
    this.socket?.end();
    this.show();
    this.hooks.onEnd();
  }

  show() {
    const state = this.over ? "ended" : (this.socket?.state ?? "connecting");
    this.panel.dataset.state = state;
    this.take.hidden = this.over || this.watches || this.writes || state !== "live";
    this.end.hidden = this.over;
    write(this.state, stateWords(state, this));
    this.hooks.onState();
  }

  dispose() {
    this.socket?.end();
    this.screen?.dispose();
    this.panel.remove();
  }
}

function stateWords(state, shell) {
  if (state === "ended") return gettext("Ended");
  if (state === "signed-out") return gettext("Signed out");
  if (state !== "live") return gettext("Connecting …");
  if (shell.writes) return gettext("Connected");
  if (shell.watches) return gettext("Watching");
  return shell.received || shell.replayed
    ? gettext("In use elsewhere")
    : gettext("Opening …");
}

function words({ reason, exit_status: status }) {
  if (reason === "exit") return fill(gettext("Exited with %(status)s."), { status });
  return (
    {
      ended: gettext("This terminal was ended."),
      abandoned: gettext("This terminal was left alone for too long."),
      not_recorded: gettext("This could not be recorded, so it was ended."),
      lost: gettext("The connection to the server broke."),
      closed: gettext("The server closed this terminal."),
      host_stopped: gettext("The service was restarted."),
    }[reason] ?? gettext("This terminal is closed.")
  );
}
