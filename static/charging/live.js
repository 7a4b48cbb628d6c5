// The day that is shown, kept true by the board's socket, and the state of that line.
import { gettext } from "../shared/i18n.js";
import { LiveSocket } from "../shared/socket.js";
import { $, write } from "./elements.js";

const ASLEEP = 90_000; // a timer this late means the machine slept
const LOOK_EVERY = 20_000;

export class LiveDay {
  /** onDay(state) gets every new state of the day: {date, sessions, …}. */
  constructor(api, onDay) {
    this.api = api;
    this.onDay = onDay;
    this.state = null;
    $("link-now").addEventListener("click", () => this.socket?.hurry());
    let lookedAt = Date.now();
    setInterval(() => {
      if (Date.now() - lookedAt > ASLEEP) this.socket?.renew();
      lookedAt = Date.now();
    }, LOOK_EVERY);
  }

  watch(date) {
    this.date = date;
    this.socket?.end();
    this.socket = new LiveSocket(this.api.socketUrl("ws/board", { date }), {
      onFrame: (text) => this.hear(date, JSON.parse(text)),
      onOpen: () => {},
      onState: () => this.showState(),
      mayRetry: async () => true,
    });
    this.read();
  }

  /** The day over HTTP, for when the socket does not come through. */
  async read() {
    const { date } = this;
    try {
      const { sessions } = await this.api.day(date);
      if (date === this.date && this.state?.date !== date) this.take({ date, sessions });
    } catch {
      // the socket brings it, or the next try
    }
  }

  hear(date, frame) {
    if (date !== this.date) return;
    if (frame.sessions) this.take({ ...frame, date });
  }

  take(state) {
    this.state = state;
    this.onDay(state);
  }

  showState() {
    const state = this.socket?.state ?? "connecting";
    $("link").className = `live-link ${state}`;
    $("link-now").hidden = state !== "waiting" && state !== "offline";
    write(
      $("link-state"),
      {
        connecting: gettext("Connecting"),
        live: gettext("Live"),
        waiting: gettext("Connection lost"),
        offline: gettext("Offline"),
        "signed-out": gettext("Signed out"),
      }[state],
    );
  }
}
