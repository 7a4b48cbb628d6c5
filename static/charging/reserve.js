// The drivers' page: a day of all bays, a choice in it, and one's own reservations.
import { gettext } from "../shared/i18n.js";
import { Api } from "./api.js";
import { watchBattery } from "./battery.js";
import { Booking } from "./booking.js";
import { ANY, Day } from "./day.js";
import { Days } from "./days.js";
import { $, say, write } from "../shared/elements.js";
import { Grid } from "./grid.js";
import { LiveDay } from "./live.js";
import { Mine } from "./mine.js";
import { Selection } from "./selection.js";
import { Clock, longDay } from "./times.js";
import { Waiting } from "./waiting.js";

const place = document.querySelector("[data-mount]").dataset;
const signedIn = "signedIn" in place;
const usual = { open: Number(place.open), close: Number(place.close) };
const api = new Api(place.mount);
const clock = new Clock(place.zone);
const selection = new Selection(clock);
const grid = new Grid($("grid"), {
  clock,
  onPick: pick,
  onOpen: (one) => mine.ids.has(one.id) || waiting.offer(one),
  hidesPast: true,
  offersAny: true,
});
let day = null;

function pick(bay, minutes) {
  const problem = selection.pick(day, bay, minutes);
  if (problem) say(problem);
  draw();
}

function draw() {
  if (!day) return;
  grid.show(day);
  booking.show(day);
  $("closed").hidden = day.open < day.close;
  $("legend-out").hidden = !day.outages.length;
}

const live = new LiveDay(api, (state) => {
  const first = day?.date !== state.date;
  const nameless = !day;
  day = new Day(state, usual);
  if (selection.fit(day)) say(gettext("Somebody else has just taken that."), "bad");
  $("grid").setAttribute("aria-busy", "false");
  draw();
  if (first) grid.reveal();
  if (nameless) {
    mine.show();
    waiting.show();
  }
});

const bayName = (id) =>
  id === ANY
    ? gettext("Any bay")
    : (day?.bays.find(({ sessionId }) => sessionId === id)?.name ?? "");
const booking = new Booking({
  api, selection, clock, signedIn, bayName,
  changed: draw,
  reserved: (made) => {
    mine.add(made);
    mine.load();
  },
});
const mine = new Mine({ api, booking, signedIn, bayName, changed: draw });
const waiting = new Waiting({
  api, clock, booking, bayName,
  address: place.address,
  accepted: (one) => mine.add([one]),
});
grid.isMine = ({ id }) => mine.ids.has(id);
grid.isChosen = (bay, minutes) => selection.has(bay, minutes);

function open(date) {
  selection.clear();
  write($("day-title"), longDay(date));
  $("grid").setAttribute("aria-busy", "true");
  live.watch(date);
}

const days = new Days(clock, { onPick: open });
open(days.day);
mine.load();
watchBattery(api);

$("bar-go").addEventListener("click", (event) => {
  event.preventDefault();
  $("booking").scrollIntoView({ behavior: "smooth", block: "start" });
  ($("plate").value ? $("reserve") : $("plate")).focus({ preventScroll: true });
});

// Half hours pass: what was free is over, and at midnight today is another day.
let shown = clock.now();
setInterval(() => {
  const now = clock.now();
  if (day) grid.tick();
  if (now.day !== shown.day) days.show();
  if (Math.floor(now.minutes / 30) !== Math.floor(shown.minutes / 30)) {
    draw();
    mine.load();
  }
  shown = now;
}, 5000);
