// A chase played again: the clock, the timeline, and links to a moment.
import { $, element, write } from "../../shared/elements.js";
import { fill, gettext, ngettext } from "../../shared/i18n.js";
import { Rest } from "../../shared/rest.js";
import { clock } from "../chases.js";
import { sentence } from "../words.js";
import { Film } from "./film.js";
import { prepareSharing } from "./sharing.js";
import { Stage } from "./stage.js";

const { source, roads, mount } = document.querySelector("main.replay").dataset;
const rest = new Rest(mount);
const wanted = new URLSearchParams(location.search);
let film;
let stage;
let t = 0;
let playing = false;
let before = 0; // when the last frame of the film was drawn

/** Events, alerts and plans as the timeline shows them, oldest first. */
function happenings() {
  const runner = film.nameOf(film.chase.runner_id);
  const events = film.events.map(({ at, status, catcher_id: catcher }) => [
    at, status, sentence({ kind: status, runner, catcher: film.nameOf(catcher) }),
  ]);
  const alerts = film.alerts.map(({ at, kind, vehicle_id: car, zone_name: zone }) => [
    at, kind, sentence({ kind, runner, catcher: film.nameOf(car), zone }),
  ]);
  const plans = film.plans.map(({ at, share, roadblocks }) => [at, "plan", worth(share, roadblocks)]);
  return [...events, ...alerts, ...plans].sort(([a], [b]) => a - b);
}

function worth(share, { length: n }) {
  const text = ngettext(
    "%(n)s roadblock stops %(share)s", "%(n)s roadblocks stop %(share)s", n,
  );
  return fill(text, { n, share: `${Math.round(share * 100)} %` });
}

const signed = (seconds) => `${seconds < 0 ? "−" : ""}${clock(Math.abs(seconds) * 1000)}`;

function show() {
  stage.draw(t);
  $("time").value = t;
  $("time").setAttribute("aria-valuetext", signed(t));
  write($("clock"), signed(t));
}

function seek(moment) {
  t = Math.min(Math.max(moment, film.begin), film.end);
  show();
}

function play(on) {
  playing = on && !film.empty;
  if (playing && t >= film.end) t = film.begin;
  write($("play"), playing ? gettext("Pause") : gettext("Play"));
  before = performance.now();
  if (playing) requestAnimationFrame(step);
}

function step(now) {
  if (!playing) return;
  t += ((now - before) / 1000) * Number($("speed").value);
  before = now;
  if (t >= film.end) {
    t = film.end;
    play(false);
  }
  show();
  if (playing) requestAnimationFrame(step);
}

function listEvents() {
  const length = film.end - film.begin || 1;
  for (const [at, kind, text] of happenings()) {
    const mark = element("i", { class: kind });
    mark.style.left = `${((at - film.begin) / length) * 100}%`;
    $("marks").append(mark);
    const button = element("button", { type: "button", class: kind }, `${signed(at)} ${text}`);
    button.addEventListener("click", () => seek(at));
    $("events").append(element("li", {}, button));
  }
}

function listCars() {
  for (const car of film.cars) {
    if (car.track.length) $("follow").append(new Option(car.car_name, car.id));
  }
  const chosen = wanted.get("follow");
  if (film.byId.get(Number(chosen))?.track.length) $("follow").value = chosen;
}

function follow() {
  stage.followed = Number($("follow").value) || null;
  [stage.atX, stage.atY] = [null, null];
  show();
}

/** The page's address with what is seen now. */
function moment() {
  const url = new URL(location.pathname, location.href);
  url.searchParams.set("t", t.toFixed(1));
  url.searchParams.set("speed", $("speed").value);
  if ($("follow").value) url.searchParams.set("follow", $("follow").value);
  return url;
}

async function copyMoment() {
  const url = moment();
  history.replaceState(null, "", url);
  try {
    await navigator.clipboard.writeText(url.href);
    write($("notice"), gettext("The link is copied."));
  } catch {
    write($("notice"), gettext("The link stands in the address line."));
  }
  setTimeout(() => write($("notice"), ""), 4000);
}

function start(answer) {
  film = new Film(answer);
  stage = new Stage($("map"), film, () => stage && stage.cars && show());
  Object.assign($("time"), { min: film.begin, max: film.end, disabled: false });
  $("play").disabled = film.empty;
  listEvents();
  listCars();
  if ([...$("speed").options].some(({ value }) => value === wanted.get("speed"))) {
    $("speed").value = wanted.get("speed");
  }
  const first = Number(wanted.get("t") ?? film.begin);
  seek(Number.isFinite(first) ? first : film.begin);
  follow();
  write(
    $("notice"),
    film.empty ? gettext("No positions of this chase are kept any more.") : "",
  );
  $("play").addEventListener("click", () => play(!playing));
  $("time").addEventListener("input", () => seek(Number($("time").value)));
  $("follow").addEventListener("change", follow);
  $("moment").addEventListener("click", copyMoment);
  addEventListener("keydown", (event) => {
    const free = event.target === document.body || event.target.id === "map";
    if (event.key === " " && free) {
      event.preventDefault();
      play(!playing);
    }
  });
}

async function load() {
  try {
    start(await rest.call("GET", source));
  } catch (error) {
    write($("notice"), error.message);
    return;
  }
  try {
    stage.addRoads(await rest.call("GET", roads));
  } catch (error) {
    console.warn(error); // a map without roads is still a map
  }
}

load();
if ($("share")) prepareSharing(rest, () => `chases/${film.chase.id}/share`);
