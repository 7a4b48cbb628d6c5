// One day of all bays: who has which half hours, and what is still free.
import { SLOT, addDays, endOf, startOf } from "./times.js";

export class Day {
  /** bays: [{sessionId, name, reservations}] as the server lists them. */
  constructor(date, bays, { open, close }) {
    this.date = date;
    this.bays = bays;
    this.open = open;
    this.close = close;
    this.taken = new Map(
      bays.map(({ sessionId, reservations }) => [
        sessionId,
        reservations.map((one) => ({ start: startOf(one), end: endOf(one), one })),
      ]),
    );
  }

  get starts() {
    const count = Math.max(0, Math.floor((this.close - this.open) / SLOT));
    return Array.from({ length: count }, (_, index) => this.open + index * SLOT);
  }

  holder(bay, minutes) {
    return this.taken.get(bay)?.find(({ start, end }) => start <= minutes && minutes < end);
  }

  isOver(minutes, now) {
    return this.date < now.day || (this.date === now.day && minutes + SLOT <= now.minutes);
  }

  isFree(bay, minutes, now) {
    return (
      minutes >= this.open &&
      minutes + SLOT <= this.close &&
      !this.isOver(minutes, now) &&
      !this.holder(bay, minutes)
    );
  }

  /** Every possible end of a stay that starts there, as minutes. */
  endsFrom(bay, start, now) {
    const ends = [];
    for (let at = start; this.isFree(bay, at, now); at += SLOT) ends.push(at + SLOT);
    return ends;
  }

  isPast(now) {
    return this.date < now.day;
  }
}

export const dayStrip = (today, count) =>
  Array.from({ length: count }, (_, index) => addDays(today, index));
