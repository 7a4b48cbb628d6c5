// A socket that comes back: exponential back-off with jitter, and a state to show.
// States: connecting, live, waiting (with the moment of the next try), offline,
// signed-out (which ends it).

const FIRST_DELAY = 500;
const LONGEST_DELAY = 30_000;
const SIGNED_OUT = 4401;
const FORBIDDEN = 4403;
const SETTLED_AFTER = 5000;

export class LiveSocket {
  /**
   * onFrame(buffer), onOpen(), onState(), onClosed(code); mayRetry() answers false
   * when the session has ended: a refused handshake looks like any other failure here.
   */
  constructor(url, { onFrame, onOpen, onState, onClosed = () => {}, mayRetry }) {
    this.url = url;
    this.hooks = { onFrame, onOpen, onState, onClosed, mayRetry };
    this.failures = 0;
    this.state = "connecting";
    this.retryAt = 0;
    addEventListener("online", () => this.state === "offline" && this.connect());
    this.connect();
  }

  connect() {
    clearTimeout(this.timer);
    if (this.ended) return;
    this.change("connecting");
    let opened = false;
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      opened = true;
      // A server that accepts and drops at once must not be hammered.
      this.settled = setTimeout(() => (this.failures = 0), SETTLED_AFTER);
      this.change("live");
      this.hooks.onOpen();
    };
    socket.onmessage = ({ data }) => this.hooks.onFrame(data);
    socket.onclose = async ({ code }) => {
      clearTimeout(this.settled);
      if (socket !== this.socket) return;
      this.hooks.onClosed(code);
      if (code === SIGNED_OUT || code === FORBIDDEN) this.change("signed-out");
      else if (!navigator.onLine) this.rest();
      else if (opened || (await this.hooks.mayRetry())) this.retry();
      else this.change("signed-out");
    };
  }

  /** No network: wait for it, but look now and then, for servers on this machine. */
  rest() {
    this.timer = setTimeout(() => this.connect(), LONGEST_DELAY);
    this.change("offline");
  }

  retry() {
    const ceiling = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.failures);
    const delay = ceiling * (0.5 + Math.random() / 2);
    this.failures += 1;
    this.retryAt = Date.now() + delay;
    this.timer = setTimeout(() => this.connect(), delay);
    this.change("waiting");
  }

  /** Send a text; nothing happens while there is no connection. */
  say(text) {
    if (this.state === "live") this.socket.send(text);
  }

  /** Try again now, for the impatient. */
  hurry() {
    if (this.state === "waiting" || this.state === "offline") this.connect();
  }

  /** Drop a connection that may be dead without knowing, as after a sleep. */
  renew() {
    if (this.state !== "live") return;
    const old = this.socket;
    this.socket = null;
    old.close();
    this.connect();
  }

  /** Close for good. */
  end() {
    clearTimeout(this.timer);
    const old = this.socket;
    this.socket = null;
    this.hooks.onState = () => {};
    this.ended = true;
    old?.close();
  }

  change(state) {
    this.state = state;
    this.hooks.onState();
  }
}

const WORST_FIRST = ["signed-out", "offline", "waiting", "connecting", "live"];

/** What several sockets together have to report. */
export function worst(sockets) {
  const state = WORST_FIRST.find((name) => sockets.some((s) => s.state === name));
  const waiting = sockets.filter((s) => s.state === "waiting");
  return { state, retryAt: Math.min(...waiting.map((s) => s.retryAt)) };
}
