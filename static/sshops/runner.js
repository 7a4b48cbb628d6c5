// One command at a time, with a stop phrase; the session that keeps others away.
import { $, element, say, write } from "../shared/elements.js";
import { fill, gettext } from "../shared/i18n.js";
import { Screen } from "./screen.js";

const TERM = "xterm-256color";

export class Runner {
  constructor(stub) {
    this.stub = stub;
    this.isRunning = false;
    $("run-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.run();
    });
    $("run-cancel").addEventListener("click", () => stub.say("ssh_cancel"));
    $("session-toggle").addEventListener("click", () =>
      stub.say(stub.isOwner ? "end_session" : "start_session"),
    );
    stub.on("status", ({ message }) => this.isRunning && this.tell(message));
    stub.on("output", ({ data }) => this.screen?.write(data));
    stub.on("complete", (message) => this.finish(message.message, outcome(message)));
    stub.on("error", (message) => this.fail(message));
    stub.on("cancelled", ({ message }) => this.finish(message, "warn"));
    stub.on("gone", () => {
      if (this.isRunning) this.finish(gettext("The connection was lost."), "bad");
      this.show();
    });
    for (const type of ["welcome", "session_started", "session_ended"]) {
      stub.on(type, () => this.show());
    }
    stub.on("session_status", () => this.show());
    stub.on("lock_status", () => this.show());
    this.show();
  }

  offer(servers) {
    const select = $("run-server");
    const chosen = select.value;
    const names = servers.filter((s) => s.is_active !== false).map((s) => s.name);
    select.replaceChildren(...names.map((name) => element("option", {}, name)));
    if (names.includes(chosen)) select.value = chosen;
  }

  choose(server) {
    $("run-server").value = server;
    $("run-command").focus();
  }

  open() {
    this.screen ??= new Screen($("run-screen"), {
      onInput: (bytes) =>
        this.isRunning &&
        this.stub.say("ssh_input", { input: new TextDecoder().decode(bytes) }),
      onSize: (cols, rows) =>
        this.isRunning && this.stub.say("ssh_resize", { cols, rows }),
      label: gettext("Output of the command"),
    });
    this.screen.fit();
  }

  run() {
    this.open();
    const phrase = $("run-phrase").value;
    const request = {
      server_name: $("run-server").value,
      command: $("run-command").value,
      term: TERM,
      ...this.screen.size,
    };
    if (phrase) request.stop_phrase = phrase;
    if (!this.stub.say("ssh_command", request)) {
      say(gettext("There is no connection just now."), "bad");
      return;
    }
    this.screen.terminal.reset();
    this.isRunning = true;
    this.show();
    this.screen.terminal.focus();
  }

  tell(text, kind = "") {
    const line = $("run-state");
    line.className = `run-state ${kind}`;
    write(line, text);
  }

  finish(text, kind) {
    if (!this.isRunning) return;
    this.isRunning = false;
    this.tell(text, kind);
    this.show();
  }

  fail({ message, detail, error_code: code }) {
    const text = detail ? `${message} (${detail})` : message;
    if (this.isRunning && code !== 50010) this.finish(text, "bad");
    else say(text, "bad");
  }

  show() {
    const { stub } = this;
    const isThere = stub.id !== null;
    const isAnothers = stub.owner !== null && !stub.isOwner;
    $("run-start").disabled = !isThere || this.isRunning || isAnothers;
    $("run-cancel").disabled = !this.isRunning;
    $("session-toggle").disabled = !isThere || isAnothers;
    $("session-toggle").setAttribute("aria-pressed", String(stub.isOwner));
    write(
      $("session-toggle"),
      stub.isOwner ? gettext("End the session") : gettext("Start a session"),
    );
    write($("session-state"), sessionWords(stub));
  }
}

function sessionWords(stub) {
  if (stub.isOwner) return gettext("You have the session: nobody else runs anything.");
  if (stub.owner) return gettext("Somebody else has the session; please wait.");
  const locked = Object.keys(stub.locks ?? {});
  if (locked.length) {
    return fill(gettext("Running now: %(servers)s"), { servers: locked.join(", ") });
  }
  return gettext("Nobody has the session.");
}

const outcome = ({ exit_status: status }) => (status ? "bad" : "good");
