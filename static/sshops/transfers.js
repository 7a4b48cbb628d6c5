// Named transfers: run one inside a session, see how far it is, stop it.
import { $, element, say, write } from "../shared/elements.js";
import { fill, gettext } from "../shared/i18n.js";
import { bytes } from "./file_cards.js";

export class Transfers {
  constructor(rest, stub) {
    this.rest = rest;
    this.stub = stub;
    this.rows = new Map();
    this.running = null;
    this.endsSession = false;
    stub.on("session_started", () => this.begin());
    stub.on("transfer_progress", (message) => this.progress(message));
    stub.on("output", ({ data }) => this.running && this.log(data));
    stub.on("complete", ({ message }) => this.finish(message, "good"));
    stub.on("cancelled", ({ message }) => this.finish(message, "warn"));
    stub.on("error", ({ message }) => this.finish(message, "bad"));
    stub.on("gone", () => this.finish(gettext("The connection was lost."), "bad"));
  }

  async open() {
    try {
      const { items } = await this.rest.call("GET", "transfers");
      this.draw(items);
    } catch (error) {
      say(error.message, "bad");
    }
  }

  draw(items) {
    if (this.running) return;
    this.rows.clear();
    $("transfer-list").replaceChildren(...items.map((item) => this.row(item)));
    $("transfers-nothing").hidden = items.length > 0;
  }

  row(item) {
    const start = element("button", { type: "button" }, gettext("Run"));
    const stop = element("button", { type: "button", class: "quiet" }, gettext("Stop"));
    const bar = element("progress", { max: 1, value: 0, "aria-label": item.name });
    const state = element("p", { class: "small muted", role: "status" });
    const log = element("pre", { class: "transfer-log", hidden: true });
    stop.hidden = bar.hidden = true;
    start.addEventListener("click", () => this.ask(item.name));
    stop.addEventListener("click", () => this.stub.say("ssh_cancel"));
    this.rows.set(item.name, { start, stop, bar, state, log });
    return element(
      "li",
      { class: "card" },
      element(
        "header",
        {},
        element("h2", {}, item.name),
        element("div", { class: "buttons" }, stop, start),
      ),
      element(
        "p",
        { class: "small" },
        `${item.source_server}:${item.source_path} → ${item.target_server}:${item.target_path}`,
      ),
      bar,
      state,
      log,
    );
  }

  /** A transfer needs a session: ours, or one made for it. */
  ask(name) {
    if (this.running) return;
    this.running = name;
    this.endsSession = !this.stub.isOwner;
    const said = this.stub.isOwner ? this.begin() : this.stub.say("start_session");
    if (!said) this.finish(gettext("There is no connection just now."), "bad");
  }

  begin() {
    if (!this.running) return true;
    const row = this.rows.get(this.running);
    row.start.hidden = true;
    row.stop.hidden = row.bar.hidden = false;
    row.bar.removeAttribute("value");
    row.log.textContent = "";
    write(row.state, gettext("Starting …"));
    return this.stub.say("scp_transfer", { transfer_name: this.running });
  }

  progress(message) {
    const row = this.rows.get(message.transfer_name);
    if (!row) return;
    const part = message.file_size ? message.file_bytes / message.file_size : 0;
    row.bar.value = (message.files_done + part) / Math.max(message.files_total, 1);
    write(
      row.state,
      fill(gettext("%(file)s: %(done)s of %(size)s · files %(n)s of %(total)s"), {
        file: message.file,
        done: bytes(message.file_bytes),
        size: bytes(message.file_size),
        n: message.files_done,
        total: message.files_total,
      }),
    );
  }

  log(text) {
    const { log } = this.rows.get(this.running);
    log.hidden = false;
    log.textContent += text.replaceAll("\r", "");
    log.scrollTop = log.scrollHeight;
  }

  finish(text, kind) {
    const row = this.rows.get(this.running);
    this.running = null;
    if (!row) return;
    row.start.hidden = false;
    row.stop.hidden = true;
    if (kind === "good") row.bar.value = 1;
    else row.bar.hidden = true;
    write(row.state, text);
    say(text, kind);
    if (this.endsSession && this.stub.isOwner) this.stub.say("end_session");
    this.endsSession = false;
  }
}
