// One record: its figures, its plots and paths, and another one laid over it.
import { $, element, say, write } from "../shared/elements.js";
import { fill, gettext } from "../shared/i18n.js";
import { api } from "./api.js";
import { Curves } from "./curves.js";
import { PathView } from "./path_view.js";
import { Playback } from "./playback.js";
import { showCorrelations, showEvents, showRows, showStatistics } from "./record_tables.js";
import { SpaceView } from "./space_view.js";
import { isoDay, testTitle, twoDecimals, written } from "./words.js";

const page = document.querySelector("[data-record]");
const id = Number(page.dataset.record);
const playback = new Playback();
const curves = new Curves($("plots"), playback, (zoomed) => ($("whole").hidden = !zoomed));
let record = null;
let paths = [];

async function open() {
  try {
    record = await api.analysis(id);
  } catch (error) {
    say(error.message, "bad");
    return;
  }
  page.removeAttribute("aria-busy");
  write($("when"), written("moment", record.created_at));
  $("download").download = record.filename;
  showFigures();
  const { channels } = record.points;
  $("scaled").hidden = !channels.Position_X;
  paths = [
    ["Rotation_Y", "Rotation_X", gettext("Where the head turned")],
    ["Position_X", "Position_Y", gettext("Position from the front")],
  ]
    .filter(([across, up]) => channels[across] && channels[up])
    .map(([across, up, title]) => new PathView($("paths"), { title, across, up, playback }));
  if (channels.Position_X) paths.push(new SpaceView($("paths"), playback));
  showEvents($("events"), record.events, (seconds) => playback.show(seconds));
  showStatistics($("statistics"), record.statistics);
  showCorrelations($("correlations"), record.correlations);
  draw([record]);
  await offerOthers();
}

function figures() {
  const count = (word) => record.events.filter(({ event }) => event === word).length;
  return [
    [gettext("score"), twoDecimals(record.score)],
    [gettext("seconds"), twoDecimals(record.time_spent)],
    [gettext("rows a second"), twoDecimals(record.fps)],
    [gettext("successes"), count("Success")],
    [gettext("fails"), count("Fail")],
  ];
}

function showFigures() {
  $("figures").replaceChildren(
    ...figures().map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, String(value))),
    ),
  );
}

function draw(records) {
  curves.show(records);
  for (const path of paths) path.show(records);
  playback.setLength(Math.max(...records.map(({ points }) => points.seconds.at(-1))));
}

// Another record

async function offerOthers() {
  const found = await api.records(record.patient_id, "2000-01-01", isoDay(Date.now())).catch(() => []);
  for (const other of found) {
    if (other.id === id || other.type !== record.type) continue;
    const name = `${written("moment", other.created_at)} · ${testTitle(other)}`;
    $("other").append(element("option", { value: other.id }, name));
  }
  const wanted = new URLSearchParams(location.search).get("with");
  if (wanted && [...$("other").options].some(({ value }) => value === wanted)) {
    $("other").value = wanted;
    await compare();
  }
}

async function compare() {
  const chosen = $("other").value;
  history.replaceState(null, "", api.recordPage(id, { with: chosen }));
  let others = [];
  try {
    if (chosen) others = [await api.analysis(chosen)];
  } catch (error) {
    say(error.message, "bad");
    $("other").value = "";
  }
  if (chosen !== $("other").value && others.length) return; // chosen anew meanwhile
  for (const entry of document.querySelectorAll("[data-other]")) entry.hidden = !others.length;
  write($("other-name"), $("other").selectedOptions[0].textContent);
  draw([record, ...others]);
}

$("other").addEventListener("change", compare);

// The rest

$("scaled").addEventListener("click", () => {
  const scaled = $("scaled").getAttribute("aria-pressed") !== "true";
  $("scaled").setAttribute("aria-pressed", String(scaled));
  curves.setScaled(scaled);
});
$("whole").addEventListener("click", () => curves.showAll());

$("copy").addEventListener("click", async () => {
  const lines = [
    [gettext("patient"), page.dataset.code],
    [gettext("test"), testTitle(record)],
    [gettext("date"), written("moment", record.created_at)],
    [gettext("file"), record.filename],
    ...figures(),
  ];
  try {
    await navigator.clipboard.writeText(lines.map(([name, value]) => `${name}: ${value}`).join("\n"));
    say(gettext("Copied."), "good");
  } catch {
    say(gettext("The browser does not let us copy."), "bad");
  }
});

let more = null;
$("rows-card").addEventListener("toggle", async () => {
  if (more || !$("rows-card").open) return;
  try {
    const answer = await fetch(api.file(id), { credentials: "same-origin" });
    if (!answer.ok) throw new Error(fill(gettext("The file was not sent (%(status)s)."), answer));
    more = showRows($("rows"), await answer.text());
    $("more").hidden = !more();
  } catch (error) {
    say(error.message, "bad");
  }
});
$("more").addEventListener("click", () => ($("more").hidden = !more()));

open();
