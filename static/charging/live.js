// The day that is shown, kept true by the board's socket, and the state of that line.
import { showLink, tendLink } from "../shared/link.js";
import { LiveSocket } from "../shared/socket.js";

export class LiveDay {
  /** onDay({date, sessions, opening}) gets every new state of the day. */
  constructor(api, onDay) {
    this.api = api;
    this.onDay = onDay;
    this.state = null;
    tendLink(() => this.socket);
  }

  watch(date) {
    this.date = date;
    this.socket?.end();
    this.socket = new LiveSocket(this.api.socketUrl("ws/board", { date }), {
      onFrame: (text) => date === this.date && this.hear(JSON.parse(text)),
      onOpen: () => {},
      onState: () => showLink(this.socket?.state ?? "connecting"),
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
}
