// The day that is shown, kept true by the board's socket, and the state of that line.
import { gettext } from "../shared/i18n.js";
import { LiveSocket } from "../shared/socket.js";
import { $, write } from "./elements.js";

const ASLEEP = 90_000; // a timer this late means the machine slept
const LOOK_EVERY = 20_000;

export class LiveDay {
  /** onDay({date, sessions, opening}) gets every new state of the day. */
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
      onFrame: (text) => date === this.date && this.hear(JSON.parse(text)),
      onOpen: () => {},
      onState: () => this.showState(),
      mayRetry: async () => true,
    });
    this.read(date);
  }

  /** The day over HTTP, for when the socket does not come through. */
  async read(date) {
    try {
      const { sessions } = await this.api.day(date);
      if (this.state?.date !== date) await this.take(date, sessions);
    } catch {
      // the socket brings it, or the next try
    }
  }

  hear(frame) {
    if (frame.type === "day") this.take(frame.date, frame.sessions);
    else if (frame.reservation && this.state?.date === this.date) {
      this.change(frame.type, frame.reservation);
    }
  }

  /** A whole day: with it, when the site is open and what is out of service. */
  async take(date, sessions) {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const opening = await this.api.opening(date).catch(() => null);
    if (turn !== this.turn || date !== this.date) return;
    this.state = { date, sessions, opening };
    this.onDay(this.state);
  }

  change(what, one) {
    const bay = this.state.sessions.find(({ sessionId }) => sessionId === one.sessionId);
    if (!bay) return;
    bay.reservations = bay.reservations.filter(({ id }) => id !== one.id);
    if (what !== "freed") bay.reservations.push(one);
    this.onDay(this.state);
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
