// What the explorer asks over HTTP.
import { Refused, Rest } from "../../shared/rest.js";
import { gettext } from "../../shared/i18n.js";

export class Api extends Rest {
  cancel = (run) => this.call("POST", `runs/${run}/cancel`);
  save = (id, body) =>
    id ? this.call("PUT", `queries/${id}`, { body }) : this.call("POST", "queries", { body });
  remove = (id) => this.call("DELETE", `queries/${id}`);
  file = (run, form) => this.url(`runs/${run}/rows.${form}`);

  /** Run SQL; `started` gets the run's number before there is an outcome. */
  async run(body, signal, started) {
    const answer = await this.send("POST", "runs", { body, signal });
    let outcome = null;
    try {
      for await (const line of linesOf(answer.body)) {
        const told = JSON.parse(line);
        if (told.run) started(told.run);
        else outcome = told;
      }
    } catch {
      outcome = null; // the connection broke, perhaps inside a line
    }
    if (!outcome) {
      throw new Refused(gettext("The connection broke off. Please run it again."));
    }
    if (!outcome.error) return outcome;
    const refused = new Refused(outcome.error.detail, { code: outcome.error.code });
    refused.position = outcome.error.position;
    throw refused;
  }
}

async function* linesOf(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    const lines = (rest + (value ?? "")).split("\n");
    rest = done ? "" : lines.pop();
    yield* lines.filter(Boolean);
    if (done) return;
  }
}
