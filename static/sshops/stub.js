// The socket of commands, session, locks and health; the page's parts listen by type.
import { showLink, tendLink } from "../shared/link.js";
import { LiveSocket } from "../shared/socket.js";

const FORBIDDEN = 4403;

export class Stub extends EventTarget {
  constructor(rest) {
    super();
    this.id = null; // this connection's, as the server names it
    this.owner = null; // of the session
    this.locks = {};
    this.health = {};
    this.socket = new LiveSocket(rest.socketUrl("ws/v1/stub"), {
      onFrame: (text) => this.hear(JSON.parse(text)),
      onOpen: () => {},
      onState: () => this.changed(),
      onClosed: (code) => code === FORBIDDEN && this.end(),
      mayRetry: async () => true,
    });
    tendLink(() => this.socket);
  }

  /** Call a function with each message of a type. */
  on(type, listener) {
    this.addEventListener(type, ({ detail }) => listener(detail));
  }

  say(type, data = {}) {
    if (this.socket.state !== "live") return false;
    this.socket.socket.send(JSON.stringify({ type, data }));
    return true;
  }

  get isOwner() {
    return this.id !== null && this.owner === this.id;
  }

  changed() {
    const state = this.socket?.state ?? "connecting";
    showLink(state);
    if (state !== "live") {
      this.id = null;
      this.emit({ type: "gone" });
    }
  }

  /** The right was taken away: there is nothing to come back to. */
  end() {
    this.socket.end();
    showLink("offline");
  }

  hear(message) {
    if (message.type === "welcome") {
      this.id = message.connection_id;
      this.owner = message.session_owner;
      this.locks = {};
      this.health = message.server_health;
    } else if (message.type === "session_started") this.owner = message.session_owner;
    else if (message.type === "session_status") this.owner = message.session_owner;
    else if (message.type === "lock_status") this.locks = message.locks;
    else if (message.type === "server_health") {
      this.health[message.server_name] = message.status;
    }
    this.emit(message);
  }

  emit(message) {
    this.dispatchEvent(new CustomEvent(message.type, { detail: message }));
  }
}
