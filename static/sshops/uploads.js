// A file on its way from this computer to a server; after a drop it goes on.
import { fill, gettext } from "../shared/i18n.js";
import { cookie, refusal, Refused } from "../shared/rest.js";
import { progressText } from "./file_cards.js";

const PAUSES = [1, 2, 4, 8, 15, 30]; // seconds, before each further attempt
const UNDER_WAY = 60004; // whom we have lost is still at work there
const OUT_OF_STEP = 60005;

export class Upload {
  constructor(rest, base, path, file, card) {
    this.rest = rest;
    this.base = base;
    this.file = file;
    this.card = card;
    // The same for the same file, also when it is chosen again another day.
    const upload = keyOf([base, path, file.size, file.lastModified].join("\n"));
    this.query = { path, upload };
    this.arrived = 0;
    card.onStop = () => this.stop();
  }

  /** Send it, in as many attempts as it takes; tell whether it is there. */
  async send() {
    try {
      const answer = await this.patiently(() => this.attempt());
      this.card.end(fill(gettext("Sent. SHA-256 %(sha256)s"), answer), "good");
      return true;
    } catch (error) {
      if (this.isStopped) await this.drop();
      else this.card.end(error.message, "bad");
      return false;
    }
  }

  stop() {
    if (this.isStopped) return;
    this.isStopped = true;
    this.request?.abort();
    this.wake?.();
  }

  /** Try again, after ever longer pauses, for as long as it may help. */
  async patiently(attempt) {
    let furthest = 0;
    for (let tries = 0; ; tries += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (this.arrived > furthest) {
          furthest = this.arrived;
          tries = 0;
        }
        if (this.isStopped || !mayPass(error) || tries === PAUSES.length) throw error;
        await this.pause(PAUSES[tries]);
        if (this.isStopped) throw error;
      }
    }
  }

  pause(seconds) {
    const text = gettext("The connection was lost. It goes on in %(seconds)s s …");
    this.card.say(fill(text, { seconds }));
    return new Promise((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, seconds * 1000);
    });
  }

  async attempt() {
    // Only once whom we have lost writes no more: a refusal of what we send would be
    // heard after all of it was sent.
    const found = await this.rest.call("GET", `${this.base}/uploads`, {
      query: { ...this.query, settled: "true" },
    });
    if (this.isStopped) throw new Refused("");
    this.arrived = found.size;
    const { size } = this.file;
    // At least one byte is sent: the end of it all is what has to be heard.
    const start = Math.max(0, Math.min(found.size, size - 1));
    this.card.progress(start, size, progressText(start, size));
    return this.put(start);
  }

  put(start) {
    const { size } = this.file;
    const request = new XMLHttpRequest(); // fetch() tells no progress
    const begun = performance.now();
    this.request = request;
    const url = this.rest.url(`${this.base}/file`, this.query);
    // A browser may send a request anew, by itself, whose connection was lost: from our
    // start on, over what has come by then.
    url.searchParams.set("there", this.arrived);
    request.open("PUT", url);
    request.setRequestHeader("X-CSRFToken", cookie("csrftoken"));
    request.setRequestHeader("Content-Type", "application/octet-stream");
    if (start) request.setRequestHeader("Content-Range", `bytes ${start}-${size - 1}/${size}`);
    let furthest = 0;
    request.upload.addEventListener("progress", ({ loaded }) => {
      if (loaded < furthest) {
        request.abort(); // it does so now
        return;
      }
      furthest = loaded;
      const speed = (1000 * loaded) / Math.max(performance.now() - begun, 1);
      const done = start + loaded;
      this.card.progress(done, size, progressText(done, size, speed));
    });
    request.upload.addEventListener("load", () => this.card.say(gettext("Checking …")));
    return new Promise((resolve, reject) => {
      const lost = () =>
        reject(
          new Refused(
            gettext("The connection was lost. Choose the file again and it goes on."),
          ),
        );
      request.addEventListener("abort", lost);
      request.addEventListener("error", lost);
      request.addEventListener("load", () => {
        const answer = JSON.parse(request.responseText || "null");
        if (request.status < 300) resolve(answer);
        else reject(refusal(request.status, answer));
      });
      request.send(start ? this.file.slice(start) : this.file);
    });
  }

  /** Leave nothing of it on the server. */
  async drop() {
    this.card.say(gettext("Stopping …"));
    for (const isLast of [false, false, true]) {
      try {
        await this.rest.call("DELETE", `${this.base}/uploads`, { query: this.query });
        this.card.end(gettext("Stopped."), "warn");
        return;
      } catch (error) {
        if (!isLast && mayPass(error)) continue;
        const text = gettext("Stopped, but a part of it is left on the server:");
        this.card.end(`${text} ${error.message}`, "bad");
        return;
      }
    }
  }
}

function mayPass({ status, code }) {
  return [0, 429, 502, 503, 504].includes(status) || [UNDER_WAY, OUT_OF_STEP].includes(code);
}

/** FNV-1a: enough to tell one's own files from each other. */
function keyOf(text) {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0");
}
