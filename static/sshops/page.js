// The page of SSH operations: its parts, and which of them is shown.
import { $ } from "../shared/elements.js";
import { Rest } from "../shared/rest.js";
import { Board } from "./board.js";
import { FileRuns } from "./file_runs.js";
import { Files } from "./files.js";
import { Audit, Recordings } from "./logs.js";
import { Runner } from "./runner.js";
import { Stub } from "./stub.js";
import { Terminals } from "./terminals.js";
import { Transfers } from "./transfers.js";

const page = $("sshops");
const { mount, me } = page.dataset;
const may = Object.fromEntries(
  ["type", "transfer", "audit"].map((what) => [what, what in page.dataset]),
);
const rest = new Rest(mount);
const parts = {};
const chooser = $("parts");

function show(name) {
  for (const section of page.querySelectorAll("[data-part]")) {
    section.hidden = section.dataset.part !== name;
  }
  for (const button of chooser.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.value === name));
  }
  history.replaceState(null, "", `#${name}`);
  parts[name]?.open?.();
}

chooser.addEventListener("click", ({ target }) => target.value && show(target.value));

const wanted = location.hash.slice(1);
if (may.type) {
  const stub = new Stub(rest);
  const runner = (parts.commands = new Runner(stub));
  const terminals = new Terminals(rest, { me, onOpen: () => openTerminals() });
  const board = new Board(rest, stub, {
    mayType: may.type,
    onTerminal: (name) => terminals.open(name),
    onCommand: (name) => {
      show("commands");
      runner.choose(name);
    },
  });
  board.whenRead((servers) => runner.offer(servers));
  if (may.transfer) {
    parts.transfers = new Transfers(rest, stub);
    const runs = new FileRuns(rest, stub, { onEnd: () => files.refresh() });
    const files = new Files(rest, { onRun: (run) => runs.show(run) });
    board.whenRead((servers) => files.offer(servers));
  }
} else if (chooser.querySelector("[value=terminals]")) {
  new Terminals(rest, { me, onOpen: () => openTerminals() });
}

/** A terminal shows itself: its part comes to the front with it. */
function openTerminals() {
  if ($("part-terminals").hidden) show("terminals");
}

parts.recordings = new Recordings(rest);
if (may.audit) parts.audit = new Audit(rest);

const [name, id] = wanted.split("=");
const first = chooser.querySelector("button").value;
show(chooser.querySelector(`[value="${CSS.escape(name)}"]`) ? name : first);
if (name === "recordings" && id) parts.recordings.play(id);
