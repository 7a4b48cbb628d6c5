// The panel of "what if": what a trial is worth, and the cars in it.
import { $, element, write } from "../../shared/elements.js";
import { fill, gettext, ngettext } from "../../shared/i18n.js";

const MOST_CARS = 20; // as many as the planner thinks of

const phone = matchMedia("(max-width: 50rem)"); // as in whatif.css
const byName = new Intl.Collator(undefined, { numeric: true }).compare;
const percent = (part) => `${Math.round(part * 100)} %`;

export class View {
  constructor(whatIf) {
    this.whatIf = whatIf;
    this.sending = false; // an order is on its way
    this.rows = new Map(); // car id -> its nodes
    this.modes = document.querySelectorAll("[data-whatif]");
    for (const button of this.modes) {
      button.addEventListener("click", () => whatIf.setMode(button.dataset.whatif));
    }
    $("whatif-chase").addEventListener("change", ({ target }) =>
      whatIf.choose(Number(target.value)),
    );
    $("whatif-restart").addEventListener("click", () => whatIf.restart());
    $("whatif-close").addEventListener("click", () => whatIf.open(false));
    $("whatif-order").addEventListener("click", () => whatIf.order());
    $("whatif-release").addEventListener("click", () => whatIf.release());
    $("whatif-cars").addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      const id = Number(button?.closest("li").dataset.id);
      if (button) whatIf[button.dataset.act](id);
    });
  }

  open(on) {
    const panel = $("whatif-panel");
    const held = panel.contains(document.activeElement);
    panel.hidden = !on;
    write($("whatif-said"), "");
    if (on) $("whatif-close").focus();
    else if (held) $("whatif").focus();
  }

  /** How much of the map it covers; on a phone it covers the list. */
  get width() {
    return phone.matches ? 0 : $("whatif-panel").offsetWidth;
  }

  busy(busy) {
    $("whatif-panel").setAttribute("aria-busy", String(busy));
  }

  ordering(on) {
    this.sending = on;
    $("whatif-order").disabled = on || !this.whatIf.mayOrder;
    $("whatif-release").disabled = on;
  }

  trouble(text) {
    write($("whatif-trouble"), text);
  }

  show() {
    const { whatIf } = this;
    this.showChases();
    const any = whatIf.chaseId !== null;
    $("whatif-nothing").hidden = any;
    $("whatif-all").hidden = !any;
    for (const button of this.modes) {
      button.setAttribute("aria-pressed", String(button.dataset.whatif === whatIf.mode));
    }
    this.showWorth();
    this.showCars();
    write($("whatif-hint"), this.hint());
    this.ordering(this.sending);
    $("whatif-release").hidden = whatIf.real?.reason !== "manual";
    write(
      $("whatif-why"),
      whatIf.moved.size
        ? gettext("Cars that were moved must be put back before this can be ordered.")
        : "",
    );
  }

  showChases() {
    const { chases, fleet, chaseId } = this.whatIf;
    const choices = [...chases.ids].map(([runner, id]) => [id, fleet.nameOf(runner)]);
    const key = JSON.stringify([choices, chaseId]);
    if (key === this.listed) return;
    this.listed = key;
    $("whatif-chase").replaceChildren(
      ...choices.map(([id, name]) => new Option(name, id, false, id === chaseId)),
    );
  }

  hint() {
    const { selected, fleet } = this.whatIf;
    if (selected === null) {
      return this.whatIf.mode === "hand"
        ? gettext("Drag a post, or a car to where its post shall be.")
        : gettext("Drag a car to where it might be.");
    }
    const text = gettext(
      "%(name)s is chosen: tap the map, or use the arrow keys (with Shift farther).",
    );
    return fill(text, { name: fleet.nameOf(selected) });
  }

  showWorth() {
    const { trial, real } = this.whatIf;
    const closing = this.whatIf.mode === "close";
    write($("whatif-closed"), closing ? closedOf(trial) : "");
    $("whatif-worth").hidden = closing && !trial?.roadblocks.length;
    write($("whatif-share"), trial ? percent(trial.share) : "…");
    write($("whatif-bound"), trial ? boundOf(trial) : "");
    $("whatif-bar").style.setProperty("--share", trial?.share ?? 0);
    $("whatif-bar").style.setProperty("--bound", trial?.bound ?? 0);
    $("whatif-bar").style.setProperty("--real", real?.share ?? 0);
    write($("whatif-real"), realOf(trial, real));
  }

  showCars() {
    const cars = this.carsInIt();
    const ids = new Set(cars.map(({ id }) => id));
    for (const [id, row] of this.rows) {
      if (ids.has(id)) continue;
      row.item.remove();
      this.rows.delete(id);
    }
    cars.forEach((car, i) => {
      if (!this.rows.has(car.id)) this.rows.set(car.id, makeRow(car.id));
      const row = this.rows.get(car.id);
      const list = $("whatif-cars");
      if (list.children[i] !== row.item) list.insertBefore(row.item, list.children[i] ?? null);
      this.fillRow(row, car);
    });
  }

  /** The runner, then the cars of the trial and others near it, by name. */
  carsInIt() {
    const { whatIf } = this;
    const { fleet, runnerId, trial, moved, posts } = whatIf;
    const runner = fleet.cars.get(runnerId);
    if (!runner) return [];
    const sure = new Set([
      ...moved.keys(), ...posts.keys(), ...(trial?.roadblocks ?? []).map((post) => post.unit_id),
    ]);
    const place = whatIf.placeOf(runnerId);
    const gap = (car) => (place ? Math.hypot(car.x - place.x, car.y - place.y) : 0);
    const police = [...fleet.cars.values()].filter(
      ({ kind, placed, mapId }) => kind === "police" && placed && mapId === runner.mapId,
    );
    const others = police.filter(({ id }) => !sure.has(id)).sort((a, b) => gap(a) - gap(b));
    const chosen = police.filter(({ id }) => sure.has(id));
    chosen.push(...others.slice(0, Math.max(0, MOST_CARS - chosen.length)));
    return [runner, ...chosen.sort((a, b) => byName(a.name, b.name) || a.id - b.id)];
  }

  fillRow({ item, button, shape, name, text, away, back }, car) {
    const { whatIf } = this;
    const post = whatIf.trial?.roadblocks.find(({ unit_id: id }) => id === car.id);
    const moved = whatIf.moved.has(car.id);
    item.className = car.kind;
    shape.className = `shape ${car.kind}`;
    button.setAttribute("aria-pressed", String(car.id === whatIf.selected));
    write(name, whatIf.fleet.nameOf(car.id));
    const words = car.kind === "runner" ? gettext("runner") : postOf(post);
    write(text, moved ? `${words} · ${gettext("moved")}` : words);
    back.hidden = !moved;
    back.setAttribute("aria-label", fill(gettext("Put %(name)s back"), { name: name.textContent }));
    away.hidden = !(whatIf.mode === "hand" && whatIf.posts.has(car.id));
    away.setAttribute(
      "aria-label", fill(gettext("Take the post of %(name)s away"), { name: name.textContent }),
    );
  }
}

function boundOf(trial) {
  if (trial.proven) return gettext("of its ways are stopped, as many as can be");
  return fill(gettext("of its ways are stopped, %(bound)s at most can be"), {
    bound: percent(trial.bound),
  });
}

/** Can every way out be closed? */
function closedOf(trial) {
  if (!trial?.containment) return gettext("Looking for posts that leave no way out …");
  const { possible, fewest, ways } = trial.containment;
  if (possible && !fewest) return gettext("No way leads out: no post is needed.");
  if (possible) {
    const text = ngettext(
      "%(n)s car closes every way out.",
      "%(n)s cars close every way out; fewer cannot.",
      fewest,
    );
    return fill(text, { n: fewest });
  }
  if (possible === null) {
    return fill(gettext("Not found in time; %(n)s cars at least are needed."), { n: fewest });
  }
  return ways.length > 1
    ? gettext("It cannot be done: no choice of posts closes all of these ways.")
    : gettext("It cannot be done: nobody can close this way in time.");
}

/** The trial against the plan in force, in points of a hundred. */
function realOf(trial, real) {
  if (!real) return gettext("No plan is in force.");
  const points = trial ? Math.round(trial.share * 100) - Math.round(real.share * 100) : 0;
  const text = points
    ? gettext("The plan in force: %(share)s (%(points)s points)")
    : gettext("The plan in force: %(share)s");
  const signed = points > 0 ? `+${points}` : `−${-points}`;
  return fill(text, { share: percent(real.share), points: signed });
}

function postOf(post) {
  if (!post) return gettext("no post");
  if (post.slack === null) return gettext("stops nobody here");
  const eta = post.eta === null ? "–" : Math.round(post.eta);
  return fill(gettext("there in %(eta)s s · %(slack)s s to spare · stops %(share)s"), {
    eta, slack: Math.round(post.slack), share: percent(post.share),
  });
}

function makeRow(id) {
  const shape = element("i", { "aria-hidden": "true" });
  const name = element("b");
  const text = element("small");
  const button = element(
    "button", { type: "button", "data-act": "select" }, shape, element("span", {}, name, text),
  );
  const small = (act, sign) =>
    element("button", { type: "button", class: "quiet", "data-act": act }, sign);
  const [away, back] = [small("takeAway", "✕"), small("putBack", "↺")];
  const item = element("li", { "data-id": id }, button, away, back);
  return { item, button, shape, name, text, away, back };
}
