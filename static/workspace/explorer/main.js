// The explorer's desk: statement, rows, chart, saved queries.
import { $, ask, element, say, write } from "../../shared/elements.js";
import { fill, gettext, ngettext } from "../../shared/i18n.js";
import { Api } from "./api.js";
import { ChartChoice } from "./choice.js";
import { showRows } from "./rows.js";

const page = document.querySelector(".explorer");
const api = new Api(page.dataset.mount);
const chart = new ChartChoice();

let query = page.dataset.query ? JSON.parse(page.dataset.query) : null; // the saved one
let mayChange = "mayChange" in page.dataset;
let running = null; // its number, once known
let leaving = new AbortController();

// Run and cancel

async function run() {
  if (!$("cancel").hidden || !$("sql").value.trim()) return;
  setRunning(true);
  const since = performance.now();
  const clock = setInterval(() => tellSeconds((performance.now() - since) / 1000), 200);
  try {
    const body = { sql: $("sql").value, query: query?.id ?? null };
    const result = await api.run(body, leaving.signal, (number) => {
      running = number;
      $("cancel").disabled = false;
      $("csv").href = api.file(number, "csv");
      $("json").href = api.file(number, "json");
    });
    showResult(result);
  } catch (error) {
    showError(error);
  } finally {
    clearInterval(clock);
    setRunning(false);
  }
}

function setRunning(on) {
  running = null;
  $("run").disabled = on;
  $("cancel").hidden = !on;
  $("cancel").disabled = true; // until there is a number to cancel by
  if (on) {
    $("error").hidden = true;
    write($("state"), gettext("Running …"));
  }
}

const tellSeconds = (seconds) =>
  write($("state"), fill(gettext("Running … %(seconds)s s"), { seconds: Math.round(seconds) }));

function showResult(result) {
  $("result").hidden = false;
  showRows($("rows"), result);
  chart.show(result);
  const count = result.rows.length;
  const told = result.more
    ? gettext("The first %(count)s rows, %(seconds)s s")
    : ngettext("%(count)s row, %(seconds)s s", "%(count)s rows, %(seconds)s s", count);
  write($("state"), fill(told, { count, seconds: result.seconds }));
}

function showError(error) {
  write($("state"), "");
  write($("error"), error.message);
  $("error").hidden = false;
  if (error.position) {
    const at = indexOf($("sql").value, error.position);
    $("sql").focus();
    $("sql").setSelectionRange(at, at + 1);
  }
}

/** The place of the nth letter: PostgreSQL counts letters, JavaScript halves of some. */
const indexOf = (text, position) => [...text].slice(0, position - 1).join("").length;

async function cancel() {
  $("cancel").disabled = true;
  try {
    await api.cancel(running);
  } catch (error) {
    $("cancel").disabled = false;
    say(error.message, "bad");
  }
}

// Saved queries

async function save(asNew) {
  const dialog = $("save-dialog");
  const form = dialog.querySelector("form");
  form.elements.title.defaultValue = asNew ? "" : (query?.title ?? "");
  form.elements.description.defaultValue = query?.description ?? "";
  const shown = !$("result").hidden && !$("chart-view").hidden;
  const drawn = shown ? chart.choice : chart.wanted;
  const values = await ask(dialog, drawn ? gettext("The chart is saved with it.") : "");
  if (!values) return;
  const { title, description } = values;
  const body = { title, description, sql: $("sql").value, chart: drawn ?? null };
  try {
    open(await api.save(asNew ? null : query?.id, body));
    say(gettext("Saved."), "good");
  } catch (error) {
    say(error.message, "bad");
  }
}

/** Take a saved query for the one on the desk. */
function open(saved) {
  query = saved;
  mayChange = true;
  history.replaceState(null, "", `?query=${saved.id}`);
  const link = element("a", { href: `?query=${saved.id}`, title: saved.description }, saved.title);
  const entry = element("li", { "data-id": saved.id }, link, " ", element("span", { class: "muted" }, saved.author));
  document.querySelector(`#queries [data-id="${saved.id}"]`)?.remove();
  $("queries").prepend(entry);
  showQuery();
}

async function remove() {
  if (!(await ask($("delete-dialog"), query.title))) return;
  try {
    await api.remove(query.id);
    location.assign(page.dataset.mount);
  } catch (error) {
    say(error.message, "bad");
  }
}

function showQuery() {
  if (query) {
    write($("title"), query.title);
    write($("description"), query.description);
  }
  $("save").hidden = Boolean(query) && !mayChange;
  $("save-new").hidden = !query;
  $("delete").hidden = !query || !mayChange;
}

// The rest of the page

function show(part) {
  for (const button of document.querySelectorAll("[data-show]")) {
    button.setAttribute("aria-pressed", button.dataset.show === part);
  }
  $("rows-view").hidden = part !== "rows";
  $("chart-view").hidden = part !== "chart";
  chart.redraw();
}

function insert(name) {
  const { selectionStart, selectionEnd } = $("sql");
  $("sql").setRangeText(name, selectionStart, selectionEnd, "end");
  $("sql").focus();
}

$("run").addEventListener("click", run);
$("cancel").addEventListener("click", cancel);
$("save").addEventListener("click", () => save(false));
$("save-new").addEventListener("click", () => save(true));
$("delete").addEventListener("click", remove);
$("sql").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  run();
});
$("find-table").addEventListener("input", () => {
  const wanted = $("find-table").value.trim().toLowerCase();
  for (const item of document.querySelectorAll("#tables > [data-name]")) {
    item.hidden = !item.dataset.name.includes(wanted);
  }
});
$("tables").addEventListener("click", (event) => {
  const name = event.target.closest("[data-insert]")?.dataset.insert;
  if (name) insert(name);
});
for (const button of document.querySelectorAll("[data-show]")) {
  button.addEventListener("click", () => show(button.dataset.show));
}

// Browsers keep a page that one leaves, with its requests, for the way back.
addEventListener("pagehide", () => {
  leaving.abort();
  leaving = new AbortController();
});

if (query) {
  $("sql").value = query.sql;
  chart.wanted = query.chart;
  if (query.chart) show("chart");
}
showQuery();
if (page.dataset.sample) {
  $("sql").value = page.dataset.sample;
  run();
}
