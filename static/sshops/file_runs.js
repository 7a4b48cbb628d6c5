// One's runs between servers and shared files, as workers tell of them.
import { $, say } from "../shared/elements.js";
import { gettext } from "../shared/i18n.js";
import { FileCard, progressText } from "./file_cards.js";

const SHOWN = 20;
const ENDS = { complete: "good", cancelled: "warn", error: "bad" };

export class FileRuns {
  constructor(rest, stub, { onEnd }) {
    this.rest = rest;
    this.onEnd = onEnd;
    this.cards = new Map();
    stub.on("welcome", () => {
      stub.say("follow_transfers");
      this.read();
    });
    stub.on("transfer_run", (message) => this.hear(message));
  }

  async read() {
    try {
      const { items } = await this.rest.call("GET", "transfer-runs", {
        query: { limit: SHOWN },
      });
      for (const run of items.filter(({ kind }) => kind !== "copy").reverse()) {
        this.show(run);
      }
    } catch (error) {
      say(error.message, "bad");
    }
  }

  /** Show a run, the newest on top. */
  show(run) {
    if (!this.cards.has(run.id)) {
      const card = new FileCard(way(run));
      card.onStop = () => this.stop(run.id);
      this.cards.set(run.id, card);
      $("file-runs").prepend(card.node);
      $("file-runs-title").hidden = false;
    }
    this.tell(run);
  }

  hear(message) {
    if (this.cards.has(message.run.id)) this.tell({ ...message, ...message.run });
  }

  tell(run) {
    const card = this.cards.get(run.id);
    if (card.isOver) return;
    if (run.state === "queued") card.say(gettext("Waiting for a worker …"));
    else if (run.state === "running") {
      const { bytes_done: done, bytes_total: total, bytes_a_second: speed } = run;
      card.progress(done, total, progressText(done, total, speed));
    } else {
      card.isOver = true;
      card.end(END_TEXTS[run.state]() + (run.error ? ` ${run.error}` : ""), ENDS[run.state]);
      this.onEnd(run);
    }
  }

  async stop(id) {
    try {
      this.tell(await this.rest.call("DELETE", `transfer-runs/${id}`));
    } catch (error) {
      say(error.message, "bad");
    }
  }
}

const END_TEXTS = {
  complete: () => gettext("Complete; SHA-256 is the same at both ends."),
  cancelled: () => gettext("Stopped."),
  error: () => "",
};

const end = (server, path) => `${server ?? gettext("Shared files")}: ${path}`;
const way = (run) =>
  `${end(run.source_server, run.source_path)} → ${end(run.target_server, run.target_path)}`;
