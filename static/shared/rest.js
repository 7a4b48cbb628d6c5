// What pages ask over HTTP: the same paths that every other client has.
import { gettext } from "./i18n.js";

/** A refusal, with a text for people and what the server said beside it. */
export class Refused extends Error {
  constructor(text, { status = 0, code = "", field = "" } = {}) {
    super(text);
    this.status = status;
    this.code = code;
    this.field = field;
  }
}

/** The paths below a page's mount. */
export class Rest {
  constructor(mount) {
    this.mount = new URL(mount, location.href);
  }

  url(path, query = {}) {
    const url = new URL(path, this.mount);
    for (const [name, value] of Object.entries(query)) {
      if (value) url.searchParams.set(name, value);
    }
    return url;
  }

  socketUrl(path, query) {
    const url = this.url(path, query);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    return url;
  }

  async call(method, path, options) {
    const answer = await this.send(method, path, options);
    return answer.json().catch(() => null);
  }

  /** The answer itself, for those who read it as it comes; throws Refused. */
  async send(method, path, { query, body, key, signal } = {}) {
    const headers = { Accept: "application/json" };
    if (body) headers["Content-Type"] = "application/json";
    if (key) headers["Idempotency-Key"] = key;
    if (method !== "GET") headers["X-CSRFToken"] = cookie("csrftoken");
    let answer;
    try {
      answer = await fetch(this.url(path, query), {
        method,
        headers,
        body: body && JSON.stringify(body),
        credentials: "same-origin",
        signal,
      });
    } catch {
      throw new Refused(gettext("The server cannot be reached. Please try again."));
    }
    if (!answer.ok) throw refusal(answer.status, await answer.json().catch(() => null));
    return answer;
  }
}

export const cookie = (name) =>
  document.cookie.match(new RegExp(`(?:^|; )${name}=([^;]*)`))?.[1] ?? "";

/** What an answer of this status refuses, by its JSON. */
export function refusal(status, found) {
  // The second form is that of sshops' clients.
  const detail =
    found?.detail ?? found?.error?.validation_errors ?? found?.error?.message;
  const first = Array.isArray(detail) ? detail[0] : null;
  const text =
    (typeof detail === "string" ? detail : first?.msg) ||
    gettext("The server refused this. Please try again.");
  return new Refused(text, {
    status,
    code: found?.code ?? found?.error?.code ?? "",
    field: first?.loc?.at(-1) ?? "",
  });
}
