// One day of all bays: who has which half hours, and what is still free.
import { SLOT, endOf, startOf } from "./times.js";

export const ANY = 0; // the number of no bay: whichever is free

export class Day {
  /** bays: [{sessionId, name, reservations}] as the server lists them. */
  constructor({ date, sessions, opening }, usual) {
    this.date = date;
    this.bays = sessions;
    const { open, close, outages = [] } = opening ?? usual;
    this.open = open;
    this.close = close;
    this.outages = outages;
    this.taken = new Map(
      sessions.map(({ sessionId, reservations }) => [
        sessionId,
        reservations.map((one) => ({ start: startOf(one), end: endOf(one), one })),
      ]),
    );
  }

  /** The half hours to show: while open, and as far as anybody stays beyond. */
  get starts() {
    const stays = [...this.taken.values()].flat();
    const isOpen = this.open < this.close;
    const first = Math.min(...(isOpen ? [this.open] : []), ...stays.map((s) => s.start));
    const last = Math.max(...(isOpen ? [this.close] : []), ...stays.map((s) => s.end));
    const count = Math.max(0, Math.floor((last - first) / SLOT));
    return Array.from({ length: count }, (_, index) => first + index * SLOT);
  }

  isOpen(minutes) {
    return this.open <= minutes && minutes + SLOT <= this.close;
  }

  holder(bay, minutes) {
    return this.taken.get(bay)?.find(({ start, end }) => start <= minutes && minutes < end);
  }

  isOver(minutes, now) {
    return this.date < now.day || (this.date === now.day && minutes + SLOT <= now.minutes);
  }

  /** The status by the clock: what was sent ages while the page stands open. */
  status({ start, end }, now) {
    if (this.date !== now.day) return this.date < now.day ? "COMPLETED" : "CONFIRMED";
    if (now.minutes < start) return "CONFIRMED";
    return now.minutes < end ? "IN_PROGRESS" : "COMPLETED";
  }

  isOut(bay, minutes) {
    return this.outages.some(
      ({ sessionId, start, end }) =>
        sessionId === bay && start < minutes + SLOT && minutes < end,
    );
  }

  isFree(bay, minutes, now) {
    if (bay === ANY) return this.bays.some((one) => this.isFree(one.sessionId, minutes, now));
    return (
      this.isOpen(minutes) &&
      !this.isOver(minutes, now) &&
      !this.isOut(bay, minutes) &&
      !this.holder(bay, minutes)
    );
  }

  /** Every possible end of a stay that starts there, as minutes; of any, the most. */
  endsFrom(bay, start, now) {
    if (bay === ANY) {
      const each = this.bays.map(({ sessionId }) => this.endsFrom(sessionId, start, now));
      return each.reduce((most, ends) => (ends.length > most.length ? ends : most), []);
    }
    const ends = [];
    for (let at = start; this.isFree(bay, at, now); at += SLOT) ends.push(at + SLOT);
    return ends;
  }

  /** Whether one bay is free for every one of these hours. */
  hoursFit(bay, starts, now) {
    const bays = bay === ANY ? this.bays.map(({ sessionId }) => sessionId) : [bay];
    return bays.some((one) =>
      starts.every((at) => this.endsFrom(one, at, now).includes(at + 60)),
    );
  }
}
