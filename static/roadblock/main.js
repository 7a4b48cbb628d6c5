// The live map: facts come from two sockets and a few HTTP answers, and become
// a picture sixty times a second and a list four times a second.
import { fill, gettext } from "../shared/i18n.js";
import { Api } from "./api.js";
import { Chases } from "./chases.js";
import { Fleet, maybeCut } from "./fleet.js";
import { decode } from "./frames.js";
import { Link } from "./link.js";
import { ChaseCards, Log, toast, toastCatch } from "./log.js";
import { LiveMap } from "./map.js";
import { MapChoice } from "./mapchoice.js";
import { Panel } from "./panel.js";
import { Plans } from "./plans.js";
import { PostLayer } from "./posts.js";
import { prepareSheet } from "./sheet.js";
import { LiveSocket } from "../shared/socket.js";
import { Traffic } from "./traffic.js";
import { WhatIf } from "./whatif/whatif.js";
import { Zones } from "./zones.js";

const LIST_EVERY = 250;
const ASLEEP = 90_000; // a timer this late means the machine slept

const $ = (id) => document.getElementById(id);
const api = new Api(document.querySelector("[data-mount]").dataset.mount);
const fleet = new Fleet();
const chases = new Chases();
const traffic = new Traffic(fleet, chases);
const plans = new Plans(api, chases, () => {
  liveMap.trailsAt = -Infinity;
  cards.update();
});
const liveMap = new LiveMap($("map"), traffic, new PostLayer(plans, fleet), {
  onPick: pick,
  onDrag: () => traffic.followed && follow(null),
});
const choice = new MapChoice(api, fleet, liveMap);
const panel = new Panel(fleet, chases, {
  onPick: pick,
  mapName: (id) => choice.nameOf(id),
  shownMap: () => liveMap.mapId,
});
const log = new Log(fleet);
const cards = new ChaseCards(fleet, chases, plans, pick);

const zones = new Zones(api.mount, liveMap, (alert, fresh) => log.addAlert(alert, fresh));
const whatIf =
  $("whatif") &&
  new WhatIf(api.mount, { liveMap, fleet, chases, plans, traffic }, () => {
    zones.open(false);
    follow(null); // a picture that slides cannot be drawn on
  });

/** Follow a car; the same one again releases it, and so does nothing at all. */
function pick(car) {
  const again = car?.id === traffic.followed;
  if (car || traffic.followed) follow(again ? null : car);
}

function follow(car) {
  if (car?.placed) choice.show(car.mapId);
  liveMap.follow(car?.placed ? car : null);
  traffic.followed = car?.id ?? null; // one without a position is waited for
  panel.followed = traffic.followed;
  $("following").hidden = !car;
  if (car) {
    $("following-name").textContent = fill(gettext("Following %(name)s"), {
      name: fleet.nameOf(car.id),
    });
  }
  panel.update(performance.now());
}

// --- facts from HTTP -------------------------------------------------------

/** The newest answer wins; a failed one is asked again a little later. */
function refetcher(ask, take) {
  let latest = 0;
  let timer;
  const run = async () => {
    const turn = (latest += 1);
    clearTimeout(timer);
    const askedAt = performance.now();
    try {
      const answer = await ask();
      if (turn === latest) take(answer, askedAt);
    } catch (error) {
      console.warn(error);
      if (turn === latest && !api.signedOut) timer = setTimeout(run, 5000);
    }
  };
  run.soon = () => {
    clearTimeout(timer);
    timer = setTimeout(run, 400);
  };
  return run;
}

const fetchVehicles = refetcher(
  () => api.vehicles(),
  (vehicles, askedAt) => {
    fleet.reconcile(vehicles, askedAt, performance.now());
    if (traffic.followed && !fleet.cars.has(traffic.followed)) follow(null);
    log.draw();
  },
);
const fetchEvents = refetcher(() => api.events(), (events) => log.load(events));
const fetchChases = refetcher(
  () => api.chases(),
  ([list, skew]) => {
    chases.load(list, skew);
    plans.keep(chases.ids.values());
    cards.update();
    fleet.version += 1;
  },
);

// --- facts from the sockets ------------------------------------------------

const onVehicleFrame = {
  positions({ mapId, each }) {
    const now = performance.now();
    each((id, x, y) => fleet.move(id, mapId, x, y, now));
  },
  registered(frame) {
    const before = fleet.cars.get(frame.id)?.name;
    const { name } = fleet.register(frame, performance.now());
    if (name !== before && maybeCut(name)) fetchVehicles.soon();
  },
  status: (frame) => fleet.status(frame),
  removed({ id }) {
    fleet.remove(id);
    chases.forget(id);
    if (traffic.followed === id) follow(null);
  },
  trouble,
};

const onEventFrame = {
  run({ runner }) {
    chases.start(runner);
    log.add("run", runner);
    fetchChases.soon();
  },
  catch({ catcher, runner }) {
    const took = chases.end(runner, "caught");
    toastCatch(log.named(log.add("catch", runner, catcher)), took);
    fetchChases.soon();
  },
  failed: ({ catcher, runner }) => log.add("failed", runner, catcher),
  closed({ runner }) {
    chases.end(runner, "closed");
    log.add("closed", runner);
    fetchChases.soon();
  },
  trouble,
};

function trouble({ code }) {
  const text =
    code === 101 ? gettext("Its database does not answer.") : gettext("Internal error.");
  toast(gettext("The server reports trouble"), text, "trouble");
}

const hear = (handlers) => (data) => {
  if (typeof data === "string") {
    plans.hear(data);
    return;
  }
  const frame = decode(data);
  if (frame) handlers[frame.type]?.(frame);
};

const link = new Link();
const common = { onState: () => link.show(), mayRetry: () => api.maySeeFleet() };
const eventSocket = new LiveSocket(api.socketUrl("ws/front/events"), {
  ...common,
  onFrame: hear(onEventFrame),
  onOpen() {
    eventSocket.say(JSON.stringify({ type: "follow_plans" }));
    fetchEvents();
    fetchChases();
  },
});
link.watch([
  new LiveSocket(api.socketUrl("ws/front/vehicles"), {
    ...common,
    onFrame: hear(onVehicleFrame),
    onOpen() {
      fleet.expectSnapshot(performance.now());
      fetchVehicles();
    },
  }),
  eventSocket,
]);

// --- pictures --------------------------------------------------------------

let drawnAt = performance.now();

function frame(now) {
  requestAnimationFrame(frame);
  fleet.glide(now, now - drawnAt);
  drawnAt = now;
  const followed = fleet.cars.get(traffic.followed);
  liveMap.frame(now, followed?.placed ? followed : null);
}

requestAnimationFrame(frame);

let tickedAt = Date.now();

setInterval(() => {
  if (Date.now() - tickedAt > ASLEEP) link.renew();
  tickedAt = Date.now();
  if (document.hidden) return;
  const now = performance.now();
  choice.update(now);
  panel.update(now);
  cards.update();
  link.tick();
}, LIST_EVERY);

// --- buttons ---------------------------------------------------------------

for (const name of ["trails", "names"]) {
  $(name).addEventListener("click", ({ currentTarget: button }) => {
    traffic[name] = !traffic[name];
    button.setAttribute("aria-pressed", String(traffic[name]));
    liveMap.trailsAt = -Infinity;
  });
}
$("roadblocks").addEventListener("click", ({ currentTarget: button }) => {
  plans.shown = !plans.shown;
  button.setAttribute("aria-pressed", String(plans.shown));
  liveMap.trailsAt = -Infinity;
});
$("zones").addEventListener("click", () => whatIf?.on && whatIf.open(false));
$("home").addEventListener("click", () => {
  follow(null);
  liveMap.goHome();
});
$("release").addEventListener("click", () => follow(null));
addEventListener("keydown", ({ key }) => {
  if (key === "Escape" && traffic.followed) follow(null);
});
prepareSheet($("side"), $("handle"));
