// What a driver has chosen: one stay from start to end, or several single hours.
import { fill, gettext } from "../shared/i18n.js";
import { SLOT, clockOf } from "./times.js";

const HOUR = 60;

export class Selection {
  constructor(clock) {
    this.clock = clock;
    this.length = HOUR; // of a new stay
    this.several = false;
    this.clear();
  }

  clear() {
    this.bay = null;
    this.start = this.end = null;
    this.hours = [];
  }

  get isEmpty() {
    return this.bay === null;
  }

  has(bay, minutes) {
    if (bay !== this.bay) return false;
    if (this.several) return this.hours.some((at) => at <= minutes && minutes < at + HOUR);
    return this.start <= minutes && minutes < this.end;
  }

  /** Choose or unchoose; answers a text when that cannot be. */
  pick(day, bay, minutes) {
    if (bay !== this.bay) this.clear();
    const problem = this.several
      ? this.pickHour(day, bay, minutes)
      : this.pickStay(day, bay, minutes);
    if (this.several && !this.hours.length) this.clear();
    return problem;
  }

  pickStay(day, bay, minutes) {
    const now = this.clock.now();
    const again = minutes === this.start && this.end - this.start <= this.length;
    if (bay === this.bay && again) return this.clear();
    if (bay === this.bay && minutes > this.start) {
      const end = minutes + SLOT;
      // Back into the stay shortens it, beyond it lengthens it.
      if (day.endsFrom(bay, this.start, now).includes(end)) {
        this.end = end === this.end ? this.start + SLOT : end;
        return null;
      }
    }
    const ends = day.endsFrom(bay, minutes, now);
    this.bay = bay;
    this.start = minutes;
    this.end = ends.filter((end) => end <= minutes + this.length).at(-1);
    if (this.end < minutes + this.length) {
      return fill(gettext("Only free until %(time)s."), { time: clockOf(this.end) });
    }
    return null;
  }

  pickHour(day, bay, minutes) {
    const chosen = this.hours.find((at) => at <= minutes && minutes < at + HOUR);
    if (chosen !== undefined) {
      this.hours = this.hours.filter((at) => at !== chosen);
      return null;
    }
    const clash = this.hours.some((at) => Math.abs(at - minutes) < HOUR);
    const hours = [...this.hours, minutes].sort((a, b) => a - b);
    if (clash || !day.hoursFit(bay, hours, this.clock.now())) {
      return gettext("A whole hour has to be free from there.");
    }
    this.bay = bay;
    this.hours = hours;
    return null;
  }

  /** Drop what somebody else has taken meanwhile; answers whether that happened. */
  fit(day) {
    if (this.isEmpty) return false;
    const now = this.clock.now();
    if (this.several) {
      if (day.hoursFit(this.bay, this.hours, now)) return false;
      const kept = [];
      for (const at of this.hours) {
        if (day.hoursFit(this.bay, [...kept, at], now)) kept.push(at);
      }
      this.hours = kept;
      if (!kept.length) this.clear();
      return true;
    }
    if (day.endsFrom(this.bay, this.start, now).includes(this.end)) return false;
    this.clear();
    return true;
  }

  /** The body of the request that reserves this, and whether it is a batch. */
  asBody(date) {
    const body = { sessionId: this.bay || null, date };
    if (this.several) return { ...body, startTimes: this.hours.map(clockOf) };
    return { ...body, startTime: clockOf(this.start), endTime: clockOf(this.end) };
  }

  get text() {
    if (this.several) return this.hours.map((at) => clockOf(at)).join(", ");
    return `${clockOf(this.start)}–${clockOf(this.end)}`;
  }

  get minutes() {
    return this.several ? this.hours.length * HOUR : this.end - this.start;
  }
}
