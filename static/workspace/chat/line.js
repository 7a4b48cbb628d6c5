// The chat socket: under which id, in which group, and what comes from it.
import { LiveSocket } from "../../shared/socket.js";

const BAD_ID = 4400;
const ID_HELD = 4409;
const LONGEST = 64;

/** An id made of a name; `attempt` makes another one when somebody has it. */
export function idOf(name, uid, attempt) {
  const plain = [...name.replace(/[/\p{Cc}\p{Cs}\ufffd]/gu, " ").trim()];
  // A number would be greeted as one, and /ws/auth is an address of its own.
  const usable = plain.length > 0 && !/^([0-9]+|auth)$/.test(plain.join(""));
  const base = usable ? plain.slice(0, LONGEST - 4).join("") : `user ${uid.slice(0, 8)}`;
  return attempt > 1 ? `${base} ${attempt}` : base;
}

export class ChatLine {
  /** hooks: onList, onGroups, onMessage, onActivity, onLine, onState, mayRetry. */
  constructor(rest, { name, uid, group }, hooks) {
    Object.assign(this, { rest, name, uid, group, hooks });
    this.attempt = 1;
    this.lastId = null; // of the group, to resume after
    this.link = new LiveSocket(this.address(), {
      onFrame: (text) => this.hear(text),
      onOpen: () => {},
      onState: () => this.hooks.onState(this.link?.state ?? "connecting"),
      onClosed: (code) => this.closed(code),
      mayRetry: this.hooks.mayRetry,
    });
  }

  get me() {
    return idOf(this.name, this.uid, this.attempt);
  }

  address() {
    const segments = [this.me, ...(this.group === null ? [] : [this.group])];
    const path = segments.map(encodeURIComponent).join("/");
    const query = { frames: "json" };
    if (this.group !== null && this.lastId) query.resume = this.lastId;
    return this.rest.socketUrl(`ws/${path}`, query);
  }

  /** Be in a group, or with null in none, and know what to resume after. */
  move(group, lastId) {
    const moves = group !== this.group;
    this.group = group;
    this.remember(lastId);
    if (moves) this.tellGroup();
  }

  remember(lastId) {
    this.lastId = lastId;
    this.link.url = this.address();
  }

  tellGroup() {
    this.send(this.group === null ? "/leave_all" : `/join ${this.group}`);
  }

  closed(code) {
    if (code === ID_HELD) this.attempt += 1;
    if (code === BAD_ID) this.name = "";
    this.link.url = this.address();
  }

  get isOpen() {
    return this.link.state === "live";
  }

  send(text) {
    if (!this.isOpen) return false;
    this.link.socket.send(text);
    return true;
  }

  hear(text) {
    const frame = parsed(text);
    if (frame === null) this.hearLine(text);
    else if (frame.type === "client_list") this.hooks.onList(frame.clients);
    else if (frame.type === "group_info") this.hooks.onGroups(frame.groups);
    else if (frame.type === "message") this.hooks.onMessage(frame);
    else if (frame.type === "activity") this.hooks.onActivity(frame.groups);
  }

  hearLine(text) {
    if (text.startsWith("Connected as client ")) {
      // One may have chosen another group while the socket was opening.
      const there = this.group === null ? ")" : ` in group '${this.group}'`;
      if (!text.endsWith(there)) this.tellGroup();
    }
    this.hooks.onLine(text);
  }
}

/** A frame of ours; what people say is not taken for one. */
function parsed(text) {
  if (!text.startsWith('{"type"')) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
