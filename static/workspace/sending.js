// Files on their way: a few at a time, by the tus protocol, through broken lines.
/* global tus */
import { gettext } from "../shared/i18n.js";
import { cookie } from "../shared/rest.js";

const AT_ONCE = 2;
// One request holds this much; what is in front of the server may bound its body.
const CHUNK = 32 * 1024 * 1024;
const SMALL = 1024 * 1024; // goes with its announcement, in one request
const FIRST_DELAY = 1000;
const LONGEST_DELAY = 20_000;

/**
 * One file. States: queued, sending, waiting (the line is broken; it tries again by
 * itself), paused, done, failed (with a `reason`), given-up.
 */
class Sending {
  constructor(file, description, queue) {
    this.file = file;
    this.queue = queue;
    this.state = "queued";
    this.sent = 0;
    this.speed = 0; // bytes a second, smoothed
    this.reason = "";
    this.failures = 0;
    this.upload = new tus.Upload(file, {
      endpoint: queue.endpoint,
      chunkSize: CHUNK,
      retryDelays: null, // how to wait is ours: `tryLater`
      uploadDataDuringCreation: file.size <= SMALL,
      removeFingerprintOnSuccess: true,
      metadata: { filename: file.name, description },
      onBeforeRequest: (request) =>
        request.setHeader("X-CSRFToken", cookie("csrftoken")),
      onProgress: (sent) => this.progressed(sent),
      onSuccess: () => this.change("done"),
      onError: (error) => this.failed(error),
    });
  }

  async start() {
    clearTimeout(this.timer);
    this.measured = null;
    this.change("sending");
    if (!this.upload.url) {
      const [previous] = await this.upload.findPreviousUploads();
      if (previous) this.upload.resumeFromPreviousUpload(previous);
    }
    if (this.state === "sending") this.upload.start();
  }

  progressed(sent) {
    const now = performance.now();
    if (this.measured && now - this.measured.at > 500) {
      const speed = (1000 * (sent - this.measured.sent)) / (now - this.measured.at);
      this.speed = this.speed ? 0.7 * this.speed + 0.3 * speed : speed;
      this.measured = { at: now, sent };
    }
    this.measured ??= { at: now, sent };
    if (sent > this.sent) this.failures = 0;
    this.sent = sent;
    this.queue.onChange(this);
  }

  failed(error) {
    const answer = error.originalResponse;
    const status = answer?.getStatus() ?? 0;
    // No answer, an overloaded server, or another offset than we thought.
    if (status === 0 || status >= 500 || [409, 423, 429].includes(status)) {
      this.tryLater();
      return;
    }
    this.reason = told(answer) || gettext("The server refused this file.");
    this.change("failed");
  }

  tryLater() {
    const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.failures);
    this.failures += 1;
    this.timer = setTimeout(() => this.start(), delay);
    this.change("waiting");
  }

  async pause() {
    clearTimeout(this.timer);
    this.change("paused");
    await this.upload.abort();
  }

  resume() {
    this.change("queued");
  }

  /** Stop, and let the server forget what it has. */
  async giveUp() {
    clearTimeout(this.timer);
    this.change("given-up");
    await this.upload.abort(true).catch(() => {}); // else the server's sweep does it
  }

  change(state) {
    this.state = state;
    this.queue.onChange(this);
    this.queue.next();
  }
}

function told(answer) {
  try {
    const { detail } = JSON.parse(answer.getBody());
    return typeof detail === "string" ? detail : detail[0].msg;
  } catch {
    return "";
  }
}

export class Queue {
  constructor(endpoint, onChange) {
    this.endpoint = endpoint;
    this.onChange = onChange;
    this.all = [];
    addEventListener("online", () => {
      for (const one of this.all) if (one.state === "waiting") one.start();
    });
  }

  add(file, description) {
    const sending = new Sending(file, description, this);
    this.all.push(sending);
    this.onChange(sending);
    this.next();
  }

  next() {
    const busy = this.all.filter(({ state }) => ["sending", "waiting"].includes(state));
    const queued = this.all.filter(({ state }) => state === "queued");
    for (const sending of queued.slice(0, Math.max(0, AT_ONCE - busy.length))) {
      sending.start();
    }
  }
}

const storage = () => tus.defaultOptions.urlStorage;

/** Uploads that this browser began and did not finish, as tus-js-client remembers. */
export const unfinished = () => storage().findAllUploads();

/** Let server and browser forget an unfinished upload. */
export async function forget({ uploadUrl, urlStorageKey }) {
  const headers = { "X-CSRFToken": cookie("csrftoken") };
  await tus.Upload.terminate(uploadUrl, { headers }).catch(() => {});
  await storage().removeUpload(urlStorageKey);
}
