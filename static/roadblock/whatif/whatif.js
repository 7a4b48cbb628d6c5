// "What if": cars and posts are moved on the map, and the plan that would follow is
// shown. No car hears of it before somebody orders it.
import { $, ask, write } from "../../shared/elements.js";
import { fill, gettext, ngettext } from "../../shared/i18n.js";
import { Rest } from "../../shared/rest.js";
import { Asker } from "./asker.js";
import { Ghosts } from "./ghosts.js";
import { Grip } from "./grip.js";
import { View } from "./view.js";

const REFRESH = 4000; // milliseconds: cars that nobody moved drive on
const REACH = 26; // pixels between a finger and the post it means

const pair = ([id, { x, y }]) => [id, [x, y]];

export class WhatIf {
  /** onOpen() lets others leave the map to us. */
  constructor(mount, { liveMap, fleet, chases, plans, traffic }, onOpen) {
    Object.assign(this, { liveMap, fleet, chases, plans, traffic, onOpen });
    this.rest = new Rest(mount);
    this.on = false;
    this.mode = "best"; // "hand": posts placed by hand; "close": no way out at all
    this.forget();
    this.asker = new Asker((wish) => this.send(wish), {
      onAnswer: (plan, wish) => this.take(plan, wish),
      onTrouble: (error) => this.view.trouble(error.message),
      onBusy: (busy) => this.view.busy(busy),
    });
    this.view = new View(this);
    this.ghosts = new Ghosts(this);
    this.grip = new Grip(liveMap.map, {
      find: (point) => this.find(point),
      onPick: (id) => this.select(id),
      onMove: (id, place, dropped) => this.move(id, place, !dropped),
      onPlace: (place) => this.selected !== null && this.move(this.selected, place),
      onStep: (dx, dy) => this.step(dx, dy),
      onEscape: () => this.escape(),
    });
    $("whatif").addEventListener("click", () => this.open(!this.on));
    setInterval(() => this.tick(), REFRESH);
  }

  forget() {
    this.moved = new Map(); // car id -> {x, y}
    this.posts = new Map(); // unit id -> {x, y} of its post, while placed by hand
    this.selected = null;
    this.trial = null;
  }

  open(on) {
    this.on = on;
    this.grip.on = on;
    $("whatif").setAttribute("aria-pressed", String(on));
    this.liveMap.map.getContainer().classList.toggle("whatif", on);
    this.liveMap.ghosts = on ? this.ghosts : null;
    this.view.open(on);
    this.liveMap.inset = this.view.width;
    this.liveMap.goHome();
    if (on) {
      const followed = this.chases.ids.get(this.traffic.followed);
      this.onOpen();
      this.choose(followed ?? this.nearestChase());
    } else {
      this.choose(null);
    }
  }

  /** An open chase, rather one on the map that is shown. */
  nearestChase() {
    const all = [...this.chases.ids];
    const here = all.find(
      ([runner]) => this.fleet.cars.get(runner)?.mapId === this.liveMap.mapId,
    );
    return (here ?? all[0])?.[1] ?? null;
  }

  choose(chaseId) {
    this.chaseId = chaseId;
    this.asker.drop();
    this.view.trouble("");
    this.restart();
  }

  get runnerId() {
    for (const [runner, chase] of this.chases.ids) {
      if (chase === this.chaseId) return runner;
    }
    return null;
  }

  /** The plan that is in force. */
  get real() {
    return this.plans.byChase.get(this.chaseId) ?? null;
  }

  restart() {
    this.forget();
    this.mode = "best";
    this.show();
    this.wish();
  }

  setMode(mode) {
    // Placing by hand begins with what is on the map.
    if (mode === "hand") {
      this.posts = new Map(this.trial?.roadblocks.map((post) => [post.unit_id, post]));
    }
    this.mode = mode;
    this.show();
    this.wish();
  }

  select(id) {
    this.selected = this.selected === id ? null : id;
    this.show();
  }

  /** In the hand mode a police car's post is moved, otherwise the car itself. */
  movesPost(id) {
    return this.mode === "hand" && id !== this.runnerId;
  }

  move(id, place, passing = false) {
    this.selected = id;
    (this.movesPost(id) ? this.posts : this.moved).set(id, place);
    this.show();
    this.wish(passing);
  }

  step(dx, dy) {
    const from = this.selected !== null && this.handle(this.selected);
    if (!from) return false;
    this.move(this.selected, { x: from.x + dx, y: from.y + dy }, true);
    return true;
  }

  /** Esc lets go of what is selected; once more closes all. */
  escape() {
    if (this.selected === null) this.open(false);
    else this.select(this.selected);
    return true;
  }

  takeAway(id) {
    this.posts.delete(id);
    this.show();
    this.wish();
  }

  putBack(id) {
    this.moved.delete(id);
    this.show();
    this.wish();
  }

  /** Where a car is, as this trial has it; null where nobody knows. */
  placeOf(id) {
    const moved = this.moved.get(id);
    if (moved) return moved;
    const car = this.fleet.cars.get(id);
    return car?.placed ? { x: car.shownX, y: car.shownY } : null;
  }

  /** Where that is which moves with a car's name: its post, or the car. */
  handle(id) {
    return (this.movesPost(id) && this.posts.get(id)) || this.placeOf(id);
  }

  /** The car at a point of the picture whose sign or post that is, or null. */
  find(point) {
    const gap = ({ x, y }) => this.liveMap.map.latLngToContainerPoint([y, x]).distanceTo(point);
    const near = (places) =>
      [...places].map(([id, place]) => [gap(place), id])
        .filter(([distance]) => distance <= REACH)
        .sort(([a], [b]) => a - b)[0]?.[1];
    const found = near(this.mode === "hand" ? this.posts : []) ?? near(this.moved);
    if (found !== undefined) return found;
    const car = this.traffic.near(point.x, point.y);
    return car && (car.kind === "police" || car.id === this.runnerId) ? car.id : null;
  }

  body() {
    const body = { trial: true };
    if (this.mode === "close") body.goal = "contain";
    const units = new Map(this.moved);
    units.delete(this.runnerId);
    const runner = this.moved.get(this.runnerId);
    if (runner) body.runner = [runner.x, runner.y];
    if (units.size) body.units = Object.fromEntries([...units].map(pair));
    if (this.mode === "hand") body.posts = Object.fromEntries([...this.posts].map(pair));
    return body;
  }

  wish(passing = false) {
    if (this.chaseId === null) return;
    if (!passing) write($("whatif-said"), "");
    this.asker.ask({ chaseId: this.chaseId, body: this.body() }, passing);
  }

  send({ chaseId, body }) {
    return this.rest.call("POST", `chases/${chaseId}/plan`, { body });
  }

  take(plan, { body }) {
    this.trial = plan;
    this.answered = JSON.stringify(body);
    this.view.trouble("");
    this.show();
  }

  /** All that is seen, anew. */
  show() {
    const { trial } = this;
    if (trial) Object.assign(trial, { moved: this.moved, before: this.real });
    this.plans.trial = trial;
    this.plans.onChange();
    this.view.show();
  }

  tick() {
    if (!this.on || document.hidden) return;
    if (this.chaseId === null) {
      const chase = this.nearestChase();
      if (chase !== null) this.choose(chase);
    } else if (this.runnerId === null) {
      this.choose(null); // the chase is over
    } else if (!this.asker.busy) {
      this.wish(true);
    }
  }

  /** Only where all are where they really are, and what is shown is what is wished. */
  get mayOrder() {
    const shown = this.trial?.roadblocks.length && this.answered === JSON.stringify(this.body());
    return Boolean(shown) && !this.moved.size;
  }

  async order() {
    const { trial, chaseId } = this;
    const n = trial.roadblocks.length;
    const text = ngettext(
      "%(n)s car is sent to its post. This replaces the plan in force.",
      "%(n)s cars are sent to their posts. This replaces the plan in force.",
      n,
    );
    if (!(await ask($("whatif-sure"), fill(text, { n })))) return;
    const posts = trial.roadblocks.map((post) => [post.unit_id, [post.x, post.y]]);
    await this.command(chaseId, { posts: Object.fromEntries(posts) }, gettext("Ordered."));
  }

  /** The planner's plan again, in place of what somebody has placed. */
  async release() {
    await this.command(this.chaseId, {}, gettext("The planner decides again."));
  }

  async command(chaseId, body, done) {
    this.view.ordering(true);
    try {
      await this.send({ chaseId, body });
      write($("whatif-said"), done);
      this.plans.soon(chaseId);
    } catch (error) {
      write($("whatif-said"), error.message);
    }
    this.view.ordering(false);
  }
}
