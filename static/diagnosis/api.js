// What the doctors' pages ask over HTTP.
import { Rest } from "../shared/rest.js";

export class Api extends Rest {
  me = () => this.call("GET", "auth/me");
  patients = () => this.call("GET", "patients");
  add = (name, code) => this.call("POST", "patients", { body: { name, code } });
  rename = (id, name) => this.call("PUT", `patients/${id}`, { body: { name } });
  remove = (id) => this.call("DELETE", `patients/${id}`);
  sessions = (id, query) => this.call("GET", `patients/${id}/sessions`, { query });
  trend = (id) => this.call("GET", `patients/${id}/trend`);

  start = (body) => this.call("POST", "diagnosis/start", { body });
  live = () => this.call("GET", "diagnosis/live");
  cancel = (id) => this.call("POST", `diagnosis/${id}/cancel`);

  /** The records of a patient; `start` and `end` are days in Seoul. */
  records = (id, start, end) =>
    this.call("GET", "diagnosis/record/list", {
      query: { patient_id: id, start_date: start, end_date: `${end}T23:59:59.999999` },
    });
  analysis = (id) => this.call("GET", `diagnosis/record/${id}/analysis`);
  file = (id) => this.url(`diagnosis/record/${id}/file`);

  patientPage = (id) => this.url(`patient/${id}`);
  recordPage = (id, query) => this.url(`record/${id}`, query);
}

export const api = new Api(document.querySelector("[data-mount]").dataset.mount);
