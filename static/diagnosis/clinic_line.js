// The clinic as the server tells of it: who is connected, which tests are live.
import { showLink, tendLink } from "../shared/link.js";
import { LiveSocket } from "../shared/socket.js";
import { isLive } from "./words.js";

export class ClinicLine {
  /** `changed()` is called after each piece of news. */
  constructor(api, changed) {
    this.api = api;
    this.changed = changed;
    this.headsets = new Set();
    this.sessions = new Map(); // live ones, and what became of those seen here
    this.skew = 0;
    this.socket = new LiveSocket(
      api.socketUrl("ws/clinic", { language: document.documentElement.lang }),
      {
        onFrame: (text) => this.hear(JSON.parse(text)),
        onOpen: () => {},
        onState: () => this.showState(),
        mayRetry: () => api.me().then(() => true, ({ status }) => status !== 401),
      },
    );
    tendLink(() => this.socket);
  }

  showState() {
    const state = this.socket?.state ?? "connecting";
    showLink(state);
    // What is shown may be old news.
    document.body.classList.toggle("stale", state !== "live");
  }

  hear(frame) {
    if (frame.type === "clinic") this.take(frame);
    else if (frame.type === "session") this.sessions.set(frame.session.id, frame.session);
    else if (frame.connected) this.headsets.add(frame.patient_id);
    else this.headsets.delete(frame.patient_id);
    this.changed();
  }

  take({ headsets, sessions, now }) {
    this.skew = Date.parse(now) - Date.now();
    this.headsets = new Set(headsets);
    const live = new Set(sessions.map(({ id }) => id));
    for (const session of sessions) this.sessions.set(session.id, session);
    for (const session of this.sessions.values()) {
      if (isLive(session) && !live.has(session.id)) this.catchUp(session);
    }
  }

  /** A session ended while nobody told us: find out how. */
  async catchUp({ id, patient_id }) {
    const found = await this.api.sessions(patient_id).catch(() => []);
    const session = found.find((one) => one.id === id);
    if (session) this.sessions.set(id, session);
    else this.sessions.delete(id); // the patient was removed
    this.changed();
  }

  /** The server's clock in milliseconds. */
  now = () => Date.now() + this.skew;
}
