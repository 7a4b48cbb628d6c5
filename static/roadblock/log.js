// What happened: the event log, the open chases with their clocks, and the toasts.
import { fill, gettext } from "../shared/i18n.js";
import { clock } from "./chases.js";
import { posts } from "./plans.js";
import { sentence, SIGNS } from "./words.js";

const MOST = 200;
const TOAST_MS = 7000;
const language = document.documentElement.lang || undefined;
const time = new Intl.DateTimeFormat(language, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
});
const day = new Intl.DateTimeFormat(language, { month: "short", day: "numeric" });
const $ = (id) => document.getElementById(id);

export class Log {
  constructor(fleet) {
    this.fleet = fleet;
    this.events = []; // newest first: kind, catcherId, runnerId, at
  }

  /** The stored log. Closings are not stored, so the ones seen here stay. */
  load(events) {
    const seen = this.events.filter(({ kind, alert }) => kind === "closed" || alert);
    const stored = events.slice(0, MOST).map((event) => ({
      kind: event.status,
      catcherId: event.catcher_id,
      runnerId: event.runner_id,
      runnerName: event.runner_name,
      catcherName: event.catcher_name,
      at: Date.parse(event.created_at),
    }));
    this.events = [...seen, ...stored].sort((a, b) => b.at - a.at).slice(0, MOST);
    this.draw();
  }

  add(kind, runnerId, catcherId = null) {
    const event = { kind, runnerId, catcherId, at: Date.now(), fresh: true };
    event.runnerName = this.fleet.cars.get(runnerId)?.name;
    event.catcherName = this.fleet.cars.get(catcherId)?.name;
    this.events = [event, ...this.events].slice(0, MOST);
    this.draw();
    return event;
  }

  /** An alert, from the store or just now: the car stands for the catcher. */
  addAlert(alert, fresh) {
    if (this.events.some((event) => event.alert === alert.id)) return;
    this.events.push({
      kind: alert.kind, alert: alert.id, fresh, at: Date.parse(alert.created_at),
      catcherId: alert.vehicle_id, catcherName: alert.car_name,
      runnerId: alert.runner_id, runnerName: alert.runner_name, zone: alert.zone_name,
    });
    this.events = this.events.sort((a, b) => b.at - a.at).slice(0, MOST);
    this.draw();
  }

  named(event) {
    const runner = event.runnerName || this.fleet.nameOf(event.runnerId);
    const catcher = event.catcherId
      ? event.catcherName || this.fleet.nameOf(event.catcherId)
      : gettext("nobody");
    return { ...event, runner, catcher };
  }

  draw() {
    const today = day.format(Date.now());
    $("log-nothing").hidden = this.events.length > 0;
    $("log").replaceChildren(
      ...this.events.map((event) => {
        const item = document.createElement("li");
        item.className = event.fresh ? `${event.kind} fresh` : event.kind;
        event.fresh = false;
        const sign = document.createElement("i");
        sign.textContent = SIGNS[event.kind] ?? "·";
        sign.setAttribute("aria-hidden", "true");
        const words = document.createElement("span");
        words.textContent = sentence(this.named(event));
        const when = document.createElement("time");
        when.dateTime = new Date(event.at).toISOString();
        const date = day.format(event.at);
        when.textContent = `${date === today ? "" : `${date} `}${time.format(event.at)}`;
        item.append(sign, words, when);
        return item;
      }),
    );
  }
}

/** The running clocks, one for every open chase. */
export class ChaseCards {
  constructor(fleet, chases, plans, onPick) {
    Object.assign(this, { fleet, chases, plans });
    this.cards = new Map();
    $("chases").addEventListener("click", (event) => {
      const card = event.target.closest("li");
      if (card) onPick(fleet.cars.get(Number(card.dataset.id)));
    });
  }

  update() {
    for (const [id, card] of this.cards) {
      if (this.chases.open.has(id)) continue;
      card.item.remove();
      this.cards.delete(id);
    }
    for (const [id, started] of this.chases.open) {
      if (!this.cards.has(id)) this.cards.set(id, makeCard(id));
      const card = this.cards.get(id);
      const [name, text] = [this.fleet.nameOf(id), clock(Date.now() - started)];
      if (card.name.textContent !== name) card.name.textContent = name;
      if (card.clock.textContent !== text) card.clock.textContent = text;
      const worth = worthOf(this.plans.of(id));
      if (card.worth.textContent !== worth) card.worth.textContent = worth;
    }
  }
}

function makeCard(id) {
  const item = document.createElement("li");
  item.dataset.id = id;
  const button = document.createElement("button");
  button.type = "button";
  const shape = document.createElement("i");
  shape.className = "shape runner chased";
  const name = document.createElement("span");
  name.className = "name";
  const time_ = document.createElement("time");
  const worth = document.createElement("small");
  worth.className = "worth";
  button.append(shape, name, time_, worth);
  item.append(button);
  $("chases").append(item);
  return { item, name, clock: time_, worth };
}

/** What a plan is worth, in words; nothing without one. */
function worthOf(plan) {
  const count = plan ? posts(plan).length : 0;
  if (!count) return "";
  const percent = (part) => `${Math.round(part * 100)} %`;
  const text = plan.proven
    ? gettext("%(n)s roadblocks stop %(share)s of its ways, as many as can be")
    : gettext("%(n)s roadblocks stop %(share)s of its ways, %(bound)s at most can be");
  const words = fill(text, {
    n: count, share: percent(plan.share), bound: percent(plan.bound),
  });
  if (plan.previous_share === null) return words;
  const gain = Math.round((plan.share - plan.previous_share) * 100);
  if (gain <= 0) return words;
  return `${words} ${fill(gettext("(+%(gain)s over the plan before)"), { gain })}`;
}

export function toast(title, text, tone = "") {
  const node = document.createElement("div");
  node.className = `toast ${tone}`;
  const strong = document.createElement("strong");
  strong.textContent = title;
  node.append(strong);
  if (text) node.append(Object.assign(document.createElement("span"), { textContent: text }));
  const box = $("toasts");
  box.append(node);
  while (box.children.length > 3) box.firstChild.remove();
  setTimeout(() => node.remove(), TOAST_MS);
}

export function toastCatch(event, milliseconds) {
  toast(
    sentence(event),
    milliseconds === null
      ? ""
      : fill(gettext("after %(time)s"), { time: clock(milliseconds) }),
    "catch",
  );
}
