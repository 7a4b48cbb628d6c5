// One patient: the live test, the trend, and the records.
import { $, element, say, write } from "../shared/elements.js";
import { fill, gettext, ngettext } from "../shared/i18n.js";
import { api } from "./api.js";
import { ClinicLine } from "./clinic_line.js";
import { showHeadset } from "./headset_badge.js";
import { LiveTests } from "./live_tests.js";
import { startTest } from "./start.js";
import { Trends } from "./trends.js";
import { STATE_BADGE, isLive, isoDay, stateName, testTitle, twoDecimals, written } from "./words.js";

const DAY_MS = 86_400_000;
const { dataset } = document.querySelector("[data-patient]");
const patient = { id: Number(dataset.patient), name: dataset.name, code: dataset.code };
const figures = new Map(); // by session: score and seconds
let completed = 0;

const line = new ClinicLine(api, changed);
const tests = new LiveTests({ api, line, nameOf: (id) => (id === patient.id ? patient : null) });
const trends = new Trends($("trends"), (id) => location.assign(api.recordPage(id)));

function changed() {
  const own = [...line.sessions.values()].filter((s) => s.patient_id === patient.id);
  const connected = line.headsets.has(patient.id);
  showHeadset($("headset"), connected);
  $("start").disabled = !connected || own.some(isLive);
  $("start").title = connected ? "" : gettext("Connect the headset first.");
  tests.show();
  const done = own.filter(({ state }) => state === "COMPLETED").length;
  if (done !== completed) loadResults();
  completed = done;
}

$("start").addEventListener("click", () => startTest(api, patient));

async function loadResults() {
  try {
    const found = await api.trend(patient.id);
    for (const { results } of found) for (const one of results) figures.set(one.id, one);
    trends.show(found);
    $("no-trend").hidden = found.length > 0;
    await loadRecords();
  } catch (error) {
    say(error.message, "bad");
  }
  $("trends").removeAttribute("aria-busy");
}

// Records

async function loadRecords() {
  const [from, to] = [$("from").value, $("to").value];
  if (!from || !to) return;
  try {
    const found = await api.records(patient.id, from, to);
    if (from !== $("from").value || to !== $("to").value) return;
    $("records").replaceChildren(...found.map(recordRow));
    $("no-records").hidden = found.length > 0;
    const count = found.length;
    const words = ngettext("%(count)s record", "%(count)s records", count);
    write($("records-count"), count ? fill(words, { count }) : "");
  } catch (error) {
    say(error.message, "bad");
  }
  $("records").removeAttribute("aria-busy");
}

function recordRow(record) {
  const known = figures.get(record.id);
  const link = element("a", { href: api.recordPage(record.id) }, testTitle(record));
  const number = (value) =>
    element("td", { class: "number" }, known ? twoDecimals(value) : "–");
  return element(
    "tr",
    {},
    element("td", {}, written("moment", record.created_at)),
    element("td", {}, link),
    number(known?.score),
    number(known?.time_spent),
    element(
      "td",
      { class: "number" },
      element("a", { href: api.file(record.id), download: record.filename, title: record.filename }, "CSV"),
    ),
  );
}

function setRange(days) {
  const today = Date.now();
  $("from").value = isoDay(today - days * DAY_MS);
  $("to").value = isoDay(today);
}

for (const id of ["from", "to"]) $(id).addEventListener("change", loadRecords);
$("range").addEventListener("submit", (event) => event.preventDefault());
for (const button of document.querySelectorAll("[data-days]")) {
  button.addEventListener("click", () => {
    setRange(Number(button.dataset.days));
    loadRecords();
  });
}

for (const button of document.querySelectorAll("[data-figure]")) {
  button.addEventListener("click", () => {
    trends.choose(button.dataset.figure);
    for (const other of document.querySelectorAll("[data-figure]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
  });
}

// All tests

$("history").addEventListener("toggle", async () => {
  if (!$("history").open) return;
  try {
    const found = await api.sessions(patient.id);
    $("history-list").replaceChildren(...found.map(historyRow));
  } catch (error) {
    say(error.message, "bad");
  }
});

function historyRow(session) {
  return element(
    "li",
    {},
    element("span", {}, written("moment", session.created_at)),
    element("span", {}, testTitle(session)),
    element("span", { class: `badge ${STATE_BADGE[session.state]}` }, stateName(session.state)),
    session.reason ? element("small", {}, session.reason) : null,
  );
}

setRange(30);
loadResults();
