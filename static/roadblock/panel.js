// The list of cars. Only the rows in sight exist, however many cars there are.
import { fill, gettext, ngettext } from "../shared/i18n.js";

const ROW = 58; // pixels, as in panel.css
const SPARE = 3;
const SORT_EVERY = 1000;

const byName = new Intl.Collator(undefined, { numeric: true }).compare;
const $ = (id) => document.getElementById(id);

/** Change the page only where it differs; most rows are the same as before. */
function put(node, key, value) {
  if (node[key] !== value) node[key] = value;
}

export class Panel {
  constructor(fleet, chases, { onPick, mapName, shownMap }) {
    Object.assign(this, { fleet, chases, mapName, shownMap });
    this.kind = "";
    this.query = "";
    this.order = [];
    this.sortedAt = -Infinity;
    this.rows = [];
    this.list = $("list");
    this.list.addEventListener("scroll", () => this.draw(performance.now()));
    $("rows").addEventListener("click", (event) => {
      const row = event.target.closest("li");
      if (row) onPick(this.fleet.cars.get(Number(row.dataset.id)));
    });
    $("search").addEventListener("input", ({ target }) => {
      this.query = target.value.trim().toLowerCase();
      this.restart();
    });
    const kinds = document.querySelectorAll("[data-kind]");
    for (const button of kinds) {
      button.addEventListener("click", () => {
        this.kind = button.dataset.kind;
        for (const other of kinds) other.ariaPressed = String(other === button);
        this.restart();
      });
    }
  }

  restart() {
    this.sortedAt = -Infinity;
    this.list.scrollTop = 0;
    this.update(performance.now());
  }

  update(now) {
    if (this.version !== this.fleet.version || now - this.sortedAt > SORT_EVERY) {
      this.sort(now);
    }
    this.draw(now);
  }

  sort(now) {
    this.version = this.fleet.version;
    this.sortedAt = now;
    const counts = { police: 0, runner: 0 };
    this.order = [];
    for (const car of this.fleet.cars.values()) {
      if (!car.known) continue;
      counts[car.kind] += 1;
      if (this.kind && car.kind !== this.kind) continue;
      if (this.query && !car.search.includes(this.query)) continue;
      car.rank = this.rank(car, now);
      this.order.push(car);
    }
    this.order.sort((a, b) => a.rank - b.rank || byName(a.name, b.name) || a.id - b.id);
    put($("count-all"), "textContent", String(counts.police + counts.runner));
    put($("count-police"), "textContent", String(counts.police));
    put($("count-runner"), "textContent", String(counts.runner));
    this.sayNothing(counts.police + counts.runner);
  }

  // Hunted runners first, then those on the road, then the silent ones.
  rank(car, now) {
    const standing = car.kind === "runner" ? this.chases.standing(car.id) : "";
    if (standing === "caught") return 4;
    if (this.fleet.isSilent(car, now)) return 3;
    if (standing === "chased") return 0;
    return car.kind === "runner" ? 1 : 2;
  }

  sayNothing(total) {
    const nothing = $("nothing");
    nothing.hidden = this.order.length > 0;
    nothing.textContent = total
      ? gettext("No car matches.")
      : this.fleet.loaded
        ? gettext("No car has registered yet.")
        : gettext("Waiting for the server …");
  }

  draw(now) {
    const { scrollTop, clientHeight } = this.list;
    $("rows").style.height = `${this.order.length * ROW}px`;
    const first = Math.max(0, Math.floor(scrollTop / ROW) - SPARE);
    const last = Math.min(
      this.order.length,
      Math.ceil((scrollTop + clientHeight) / ROW) + SPARE,
    );
    while (this.rows.length < last - first) this.rows.push(makeRow($("rows")));
    this.rows.forEach((row, i) => {
      const car = this.order[first + i];
      put(row.item, "hidden", first + i >= last);
      if (first + i < last) this.fillRow(row, car, first + i, now);
    });
  }

  fillRow(row, car, index, now) {
    const { item } = row;
    if (row.index !== index) {
      row.index = index;
      item.style.transform = `translateY(${index * ROW}px)`;
      item.ariaPosInSet = String(index + 1);
    }
    put(item, "ariaSetSize", String(this.order.length));
    if (row.id !== car.id) {
      row.id = car.id;
      item.dataset.id = car.id;
    }
    const silent = this.fleet.isSilent(car, now);
    const standing = car.kind === "runner" ? this.chases.standing(car.id) : "";
    const followed = car.id === this.followed;
    put(item, "className", `${car.kind} ${standing} ${silent ? "silent" : ""}`);
    put(row.button, "ariaPressed", String(followed));
    put(row.shape, "className", `shape ${car.kind} ${standing} ${car.level}`);
    put(row.name, "textContent", car.name || `#${car.id}`);
    put(row.text, "textContent", this.describe(car, standing, silent, now));
    const fuel = car.kind === "police" && car.fuel !== null;
    put(row.fuel, "hidden", !fuel);
    if (fuel && row.fuelShown !== car.fuel) {
      row.fuelShown = car.fuel;
      row.level.style.transform = `scaleX(${car.fuel / 100})`;
      row.fuel.className = `fuel ${car.fuel <= 15 ? "low" : car.fuel <= 40 ? "half" : ""}`;
      row.percent.textContent = `${car.fuel} %`;
      row.fuel.ariaLabel = fill(gettext("Fuel %(fuel)s %"), { fuel: car.fuel });
    }
    const [tone, word] = badge(car, standing);
    put(row.badge, "hidden", !word);
    put(row.badge, "className", `badge ${tone}`);
    put(row.badge, "textContent", word);
  }

  describe(car, standing, silent, now) {
    if (!car.placed) return gettext("no position yet");
    if (silent) return silence(now - car.heardAt);
    const parts = [];
    if (car.mapId !== this.shownMap()) parts.push(this.mapName(car.mapId));
    parts.push(fill(gettext("%(speed)s km/h"), { speed: Math.round(car.speed * 3.6) }));
    if (car.collisions) {
      parts.push(
        fill(ngettext("%(count)s collision", "%(count)s collisions", car.collisions), {
          count: car.collisions,
        }),
      );
    }
    return parts.join(" · ");
  }
}

function silence(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return fill(gettext("silent for %(n)s s"), { n: seconds });
  if (seconds < 5400) {
    return fill(gettext("silent for %(n)s min"), { n: Math.round(seconds / 60) });
  }
  return gettext("silent for a long time");
}

function badge(car, standing) {
  if (standing === "chased") return ["bad", gettext("chased")];
  if (standing === "caught") return ["idle", gettext("caught")];
  if (car.level === "half_destroyed") return ["warn", gettext("damaged")];
  if (car.level === "complete_destroyed") return ["down", gettext("wrecked")];
  return ["", ""];
}

function makeRow(parent) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  const make = (tag, className, into) => {
    const node = document.createElement(tag);
    node.className = className;
    into.append(node);
    return node;
  };
  const row = { item, button };
  row.shape = make("i", "shape", button);
  const words = make("span", "words", button);
  row.name = make("span", "name", words);
  row.text = make("span", "text", words);
  row.badge = make("span", "badge", button);
  row.fuel = make("span", "fuel", button);
  row.fuel.setAttribute("role", "img");
  row.level = make("span", "level", make("span", "tank", row.fuel));
  row.percent = make("span", "percent", row.fuel);
  item.append(button);
  parent.append(item);
  return row;
}
