// What the pages ask over HTTP.
import { Rest } from "../shared/rest.js";

/** A key that makes a repeated creation the same creation. */
export const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");

export class Api extends Rest {
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
