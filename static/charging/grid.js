// The grid of bays by half hours. Time runs to the right on a wide screen and down on
// a phone; the style sheet places every part by its --bay and --slot.
import { fill, gettext } from "../shared/i18n.js";
import { ANY } from "./day.js";
import { element } from "../shared/elements.js";
import { SLOT, clockOf } from "./times.js";

const upright = matchMedia("(max-width: 50rem)");

export class Grid {
  /** onPick(bay, minutes) for a free half hour; onOpen(reservation) for a taken one. */
  constructor(root, options) {
    const { clock, onPick, onOpen, hidesPast = false, offersAny = false } = options;
    this.root = root;
    this.onPick = onPick;
    this.onOpen = onOpen;
    this.clock = clock;
    this.offersAny = offersAny; // a row of its own for whichever bay is free
    this.hidesPast = hidesPast; // on a phone, where it would be in the way
    this.isMine = () => false;
    this.isChosen = () => false;
    this.focus = { row: 0, column: 0 };
    root.addEventListener("keydown", (event) => this.move(event));
    root.addEventListener("click", ({ target }) => this.press(target));
    upright.addEventListener("change", () => this.day && this.show(this.day));
    root.addEventListener("focusin", ({ target }) => {
      if (target.place) this.focus = target.place;
    });
  }

  show(day) {
    const had = this.root.contains(document.activeElement);
    const now = this.clock.now();
    this.day = day;
    this.cells = [];
    const hides = this.hidesPast && upright.matches && day.date === now.day;
    const present = day.starts.filter((at) => !hides || !day.isOver(at, now));
    this.starts = present.length ? present : day.starts;
    this.root.parentElement.hidden = !this.starts.length;
    this.root.style.setProperty("--slots", this.starts.length);
    const bays = [...day.bays];
    if (this.offersAny && bays.length > 1) {
      bays.unshift({ sessionId: ANY, name: gettext("Any bay") });
    }
    this.root.style.setProperty("--bays", bays.length);
    this.root.parentElement.classList.toggle("many", bays.length > 5);
    this.root.replaceChildren(
      this.hours(),
      ...bays.map((bay, row) => this.row(bay, row, day, now)),
    );
    this.line = element("div", { class: "now", "aria-hidden": "true", hidden: true });
    this.root.append(this.line);
    this.tick();
    this.settle(had);
  }

  hours() {
    const row = element("div", { role: "row", class: "hours" });
    row.append(element("span", { role: "columnheader", class: "corner" }));
    this.starts.forEach((minutes, slot) => {
      const full = minutes % 60 === 0;
      const label = element("span", {
        role: "columnheader",
        class: full ? "hour" : "hour tick",
        "aria-label": clockOf(minutes),
      });
      label.textContent = full ? clockOf(minutes) : "";
      place(label, -1, slot);
      row.append(label);
    });
    return row;
  }

  row(bay, row, day, now) {
    const any = bay.sessionId === ANY;
    const line = element("div", { role: "row", class: any ? "bay any" : "bay" });
    const name = element("span", { role: "rowheader", class: "name" }, bay.name);
    place(name, row, -1);
    line.append(name);
    this.cells[row] = [];
    this.starts.forEach((minutes, slot) => {
      const held = any ? null : day.holder(bay.sessionId, minutes);
      if (held) {
        const first = slot === 0 || held.start >= minutes;
        if (first) line.append(this.stay(bay, held, row, slot, now));
        this.cells[row][slot] = first ? line.lastChild : this.cells[row][slot - 1];
        return;
      }
      const cell = this.half(bay, minutes, day, now);
      cell.place = { row, column: slot };
      place(cell, row, slot);
      this.cells[row][slot] = cell;
      line.append(cell);
    });
    return line;
  }

  half(bay, minutes, day, now) {
    const free = day.isFree(bay.sessionId, minutes, now);
    const kind = free ? "free" : this.hindrance(bay.sessionId, minutes, day, now);
    const chosen = this.isChosen(bay.sessionId, minutes);
    const gap = { bay: bay.name, time: clockOf(minutes) };
    const cell = element("button", {
      type: "button",
      role: "gridcell",
      tabindex: "-1",
      class: `half ${kind}${chosen ? " chosen" : ""}${minutes % 60 ? "" : " full"}`,
      "aria-selected": free ? String(chosen) : null,
      "aria-disabled": free ? null : "true",
      "aria-label": fill(
        {
          free: gettext("%(bay)s, %(time)s, free"),
          over: gettext("%(bay)s, %(time)s, over"),
          out: gettext("%(bay)s, %(time)s, out of service"),
          closed: gettext("%(bay)s, %(time)s, closed"),
          "full-up": gettext("%(bay)s, %(time)s, all taken"),
        }[kind],
        gap,
      ),
      title: kind === "out" ? gettext("out of service") : null,
    });
    cell.pick = free ? [bay.sessionId, minutes] : null;
    return cell;
  }

  hindrance(bay, minutes, day, now) {
    if (!day.isOpen(minutes)) return "closed";
    if (day.isOver(minutes, now)) return "over";
    return day.isOut(bay, minutes) ? "out" : "full-up";
  }

  stay(bay, held, row, slot, now) {
    const { start, end } = held;
    const one = { ...held.one, status: this.day.status(held, now) };
    const mine = this.isMine(one);
    const state = one.status.toLowerCase().replace("_", "-");
    const text = fill(
      mine
        ? gettext("%(bay)s, %(start)s to %(end)s, yours")
        : gettext("%(bay)s, %(start)s to %(end)s, taken by %(plate)s"),
      { bay: bay.name, start: one.startTime, end: one.endTime, plate: one.plate },
    );
    const cell = element(
      this.onOpen ? "button" : "div",
      {
        type: this.onOpen ? "button" : null,
        role: "gridcell",
        tabindex: "-1",
        class: `stay ${state}${mine ? " mine" : ""}`,
        "aria-label": text,
        title: text,
      },
      plateText(one.plate),
      element("small", {}, `${one.startTime}–${one.endTime}`),
    );
    cell.place = { row, column: slot };
    cell.reservation = one;
    place(cell, row, slot);
    const length = (Math.min(end, this.last) - Math.max(start, this.starts[slot])) / SLOT;
    cell.style.setProperty("--length", Math.max(1, Math.ceil(length)));
    return cell;
  }

  get last() {
    return (this.starts.at(-1) ?? 0) + SLOT;
  }

  /** The line that says what time it is. */
  tick() {
    const { day, minutes } = this.clock.now();
    const at = (minutes - this.starts[0]) / (this.last - this.starts[0]);
    this.line.hidden = day !== this.day.date || !(at >= 0 && at <= 1);
    this.root.style.setProperty("--now", at);
  }

  // Keys: arrows go where they point, Home and End along a bay

  move(event) {
    const steps = upright.matches
      ? { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }
      : { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const last = this.starts.length - 1;
    const { row, column } = this.focus;
    if (event.key === "Home") this.go(row, 0);
    else if (event.key === "End") this.go(row, last);
    else if (steps[event.key]) {
      const [down, right] = steps[event.key];
      let to = column + right;
      // A stay is one cell, however many halves it covers.
      while (right && this.cells[row][to] === this.cells[row][column]) to += right;
      this.go(row + down, to);
    } else return;
    event.preventDefault();
  }

  go(row, column) {
    const cell = this.cells[row]?.[column];
    if (!cell) return;
    this.enter(cell);
    cell.focus();
    this.focus = { row, column };
  }

  /** Let Tab enter the grid at one cell. */
  enter(cell) {
    this.root.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
    cell.setAttribute("tabindex", "0");
  }

  settle(had) {
    const { row, column } = this.focus;
    const cell =
      this.cells[row]?.[column] ?? this.root.querySelector(".free") ?? this.cells[0]?.[0];
    if (!cell) return;
    this.enter(cell);
    if (had) cell.focus({ preventScroll: true });
  }

  press(target) {
    const cell = target.closest("[role=gridcell]");
    if (cell?.pick) this.onPick?.(...cell.pick);
    else if (cell?.reservation) this.onOpen?.(cell.reservation);
  }

  /** Bring the present, or the first free half hour, into a phone's view. */
  reveal() {
    const free = this.root.querySelector(".free");
    if (!upright.matches) free?.scrollIntoView({ block: "nearest", inline: "center" });
  }
}

/** A plate that breaks where people do, or is short when it is masked. */
function plateText(plate) {
  if (plate.includes("*")) return element("b", {}, plate.replace(/\*+/, "…"));
  return element("b", {}, plate.slice(0, -4), document.createElement("wbr"), plate.slice(-4));
}

function place(part, bay, slot) {
  part.style.setProperty("--bay", bay);
  part.style.setProperty("--slot", slot);
}

