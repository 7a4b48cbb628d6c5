// What the page asks over HTTP, beside the sockets.

export class Api {
  constructor(mount) {
    this.mount = new URL(mount, location.href);
    this.signedOut = false;
  }

  socketUrl(path) {
    const url = new URL(path, this.mount);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    return url;
  }

  /** The JSON at a path, and how far the server's clock is ahead of ours. */
  async get(path, accept = "application/json") {
    const asked = Date.now();
    const answer = await fetch(new URL(path, this.mount), {
      headers: { Accept: accept },
      credentials: "same-origin",
    });
    this.signedOut = answer.status === 401 || answer.status === 403;
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    const body = await answer.json();
    const theirs = Date.parse(answer.headers.get("Date") ?? "");
    const skew = Number.isNaN(theirs) ? 0 : theirs - (asked + Date.now()) / 2;
    // The header has whole seconds; a smaller difference means nothing.
    return { body, skew: Math.abs(skew) < 1500 ? 0 : skew };
  }

  /** False when the session has ended; a broken line says nothing about that. */
  async maySeeFleet() {
    try {
      await this.get("vehicles");
    } catch {
      return !this.signedOut;
    }
    return true;
  }

  maps = () => this.get("maps").then(({ body }) => body.maps);
  vehicles = () => this.get("vehicles").then(({ body }) => body.vehicles);
  events = () => this.get("vehicles/events").then(({ body }) => body.events);
  chases = () => this.get("chases").then(({ body, skew }) => [body.chases, skew]);
  roads = (id) =>
    this.get(`maps/${id}`, "application/geo+json, application/json").then(
      ({ body }) => body,
    );
}
