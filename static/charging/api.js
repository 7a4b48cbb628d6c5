// What the pages ask over HTTP: the same paths that every other client has.
import { gettext } from "../shared/i18n.js";

/** A refusal, with a text for people and what the server said beside it. */
export class Refused extends Error {
  constructor(text, { status = 0, code = "", field = "" } = {}) {
    super(text);
    this.status = status;
    this.code = code;
    this.field = field;
  }
}

/** A key that makes a repeated creation the same creation. */
export const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");

export class Api {
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

  async call(method, path, { query, body, key } = {}) {
    const headers = { Accept: "application/json" };
    if (body) headers["Content-Type"] = "application/json";
    if (key) headers["Idempotency-Key"] = key;
    let answer;
    try {
      answer = await fetch(this.url(path, query), {
        method,
        headers,
        body: body && JSON.stringify(body),
        credentials: "same-origin",
      });
    } catch {
      throw new Refused(gettext("The server cannot be reached. Please try again."));
    }
    const found = await answer.json().catch(() => null);
    if (!answer.ok) throw refusal(answer.status, found);
    return found;
  }

  day = (date) => this.call("GET", "api/reservations/by-session", { query: { date } });
  opening = (date) => this.call("GET", "api/opening", { query: { date } });
  mine = (query) => this.call("GET", "api/reservations/my", { query });
  battery = () => this.call("GET", "api/battery/now");
  reserve = (body, key) => this.call("POST", "api/reservations", { body, key });
  reserveHours = (body, key) =>
    this.call("POST", "api/reservations/batch", { body, key });
  waiting = (id) => this.call("GET", `api/waiting/${id}`);
  accept = (id) => this.call("POST", `api/waiting/${id}/accept`);
  leave = (id) => this.call("DELETE", `api/waiting/${id}`);
  wait = (body) => this.call("POST", "api/waiting", { body });
  cancel = (id, query) => this.call("DELETE", `api/reservations/${id}`, { query });
  cancelAsStaff = (id, reason) =>
    this.call("DELETE", `api/admin/reservations/${id}`, { query: { reason } });
  sightings = () => this.call("GET", "api/admin/sightings");
  occupancy = () => this.call("GET", "api/admin/occupancy");
  calendar = (id, query) => this.url(`api/reservations/${id}.ics`, query);
}

function refusal(status, found) {
  const detail = found?.detail;
  const first = Array.isArray(detail) ? detail[0] : null;
  const text =
    (typeof detail === "string" ? detail : first?.msg) ||
    gettext("The server refused this. Please try again.");
  return new Refused(text, {
    status,
    code: found?.code ?? "",
    field: first?.loc?.at(-1) ?? "",
  });
}
