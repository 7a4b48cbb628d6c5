// The staff's board: the bays now, a day of them, what cameras saw, when it is busy.
import { fill, gettext } from "../shared/i18n.js";
import { Api } from "./api.js";
import { watchBattery } from "./battery.js";
import { Day } from "./day.js";
import { Days } from "./days.js";
import { $, element, say, write } from "../shared/elements.js";
import { Grid } from "./grid.js";
import { showHeat } from "./heat.js";
import { LiveDay } from "./live.js";
import { stateText } from "./mine.js";
import { Seen } from "./seen.js";
import { Clock, clockOf, longDay } from "./times.js";

const SEEN_EVERY = 10_000;

const place = document.querySelector("[data-mount]").dataset;
const usual = { open: Number(place.open), close: Number(place.close) };
const api = new Api(place.mount);
const clock = new Clock(place.zone);
const grid = new Grid($("grid"), { clock, onOpen: look });
const seen = new Seen(api, clock);
let day = null;
let today = null; // the present day, whichever is shown

const bayName = (id) => day?.bays.find(({ sessionId }) => sessionId === id)?.name ?? "";
seen.bayName = bayName;

function draw() {
  if (!day) return;
  grid.show(day);
  $("closed").hidden = day.open < day.close;
  const stays = [...day.taken.values()].flat();
  const booked = stays.reduce((sum, { start, end }) => sum + end - start, 0);
  const offered = (day.close - day.open) * day.bays.length;
  write($("count"), String(stays.length));
  write($("hours"), (booked / 60).toLocaleString(document.documentElement.lang));
  write($("share"), `${offered ? Math.round((100 * booked) / offered) : 0} %`);
}

/** One card for each bay: who is there, until when, and who is next. */
function drawBays() {
  const now = clock.now();
  if (today?.date !== now.day) return;
  $("bays").replaceChildren(
    ...today.bays.map(({ sessionId, name }) => {
      const present = today.holder(sessionId, now.minutes);
      const next = today.taken
        .get(sessionId)
        .filter(({ start }) => start > now.minutes)
        .sort((a, b) => a.start - b.start)[0];
      const title = element("h3", {}, name);
      const badge = element("span", { class: `badge ${present ? "live" : "idle"}` });
      badge.textContent = present ? gettext("in use") : gettext("free");
      const main = element("p", { class: "main" });
      main.textContent = present
        ? `${present.one.plate} · ${present.one.startTime}–${present.one.endTime}`
        : next
          ? fill(gettext("free until %(time)s"), { time: clockOf(next.start) })
          : gettext("free for the rest of the day");
      const then = element("p", { class: "next" });
      then.textContent = next
        ? fill(gettext("next %(time)s, %(plate)s"), {
            time: next.one.startTime,
            plate: next.one.plate,
          })
        : "";
      const part = present ? (now.minutes - present.start) / (present.end - present.start) : 0;
      const bar = element("i", { class: "progress", "aria-hidden": "true" });
      bar.style.setProperty("--part", part);
      return element("li", { class: `card${present ? " used" : ""}` },
        element("header", {}, title, badge), main, then, bar);
    }),
  );
}

const live = new LiveDay(api, (state) => {
  const first = day?.date !== state.date;
  day = new Day(state, usual);
  if (day.date === clock.now().day) today = day;
  $("grid").setAttribute("aria-busy", "false");
  draw();
  drawBays();
  if (first) grid.reveal();
});

function look(one) {
  const open = one.status === "CONFIRMED" || one.status === "IN_PROGRESS";
  const dialog = $("stay-dialog");
  $("stay-facts").replaceChildren(
    ...[
      [gettext("Number plate"), one.plate],
      [gettext("E-mail"), one.contactEmail ?? "–"],
      [gettext("State"), stateText(one.status)],
    ].map(([label, value]) =>
      element("div", {}, element("dt", {}, label), element("dd", {}, value)),
    ),
  );
  $("stay-cancel").hidden = $("stay-yes").hidden = !open;
  $("reason").value = "";
  $("reason-error").hidden = true;
  $("reason").removeAttribute("aria-invalid");
  dialog.querySelector("[data-text]").textContent =
    `${longDay(one.date)}, ${one.startTime}–${one.endTime}, ${bayName(one.sessionId)}`;
  dialog.returnValue = "";
  dialog.showModal();
  dialog.onclose = () => dialog.returnValue === "yes" && cancel(one, $("reason").value.trim());
}

// A cancelled driver deserves to know why.
$("stay-yes").addEventListener("click", (event) => {
  const missing = !$("reason").value.trim();
  $("reason-error").hidden = !missing;
  if (!missing) return;
  event.preventDefault();
  $("reason").setAttribute("aria-invalid", "true");
  $("reason").focus();
});

async function cancel(one, reason) {
  try {
    await api.cancelAsStaff(one.id, reason);
    say(gettext("Cancelled. The bay is free again."), "good");
  } catch (error) {
    say(error.message, "bad");
  }
}

function open(date) {
  write($("day-title"), longDay(date));
  $("grid").setAttribute("aria-busy", "true");
  live.watch(date);
}

const days = new Days(clock, { from: -3, onPick: open });
open(days.day);
seen.load();
watchBattery(api);
api.occupancy().then(showHeat, (error) => say(error.message, "bad"));

let shown = clock.now();
setInterval(() => {
  const now = clock.now();
  if (day) grid.tick();
  if (now.day !== shown.day) days.show();
  if (Math.floor(now.minutes) !== Math.floor(shown.minutes)) drawBays();
  if (Math.floor(now.minutes / 30) !== Math.floor(shown.minutes / 30)) draw();
  shown = now;
}, 5000);
setInterval(() => document.hidden || seen.load(), SEEN_EVERY);
