// A driver's own reservations: the list, cancelling, the calendar file.
import { fill, gettext } from "../shared/i18n.js";
import { $, ask, element, say } from "../shared/elements.js";
import { shortDay } from "./times.js";

export const stateText = (status) =>
  ({
    CONFIRMED: gettext("reserved"),
    IN_PROGRESS: gettext("now"),
    COMPLETED: gettext("over"),
    CANCELLED: gettext("cancelled"),
  })[status] ?? status;

const BADGE = { CONFIRMED: "good", IN_PROGRESS: "live", COMPLETED: "idle", CANCELLED: "bad" };
const LISTED = 30;

export class Mine {
  constructor({ api, booking, signedIn, bayName, changed }) {
    Object.assign(this, { api, booking, signedIn, bayName, changed });
    this.ids = new Set();
    this.rows = [];
    this.turn = 0;
    $("find")?.addEventListener("click", () => this.load(true));
    for (const field of Object.values(booking.fields)) {
      field?.addEventListener("change", () => this.signedIn || this.load());
    }
  }

  /** Guests must name both secrets; people who signed in need none. */
  get query() {
    if (this.signedIn) return {};
    const { plate, email } = this.booking.driver;
    return plate && email ? { plate, email } : null;
  }

  async load(asked = false) {
    const { query } = this;
    if (!query) {
      if (asked) say(gettext("Give your plate and your e-mail address first."), "bad");
      return;
    }
    const turn = (this.turn += 1);
    try {
      const rows = await this.api.mine(query);
      if (turn !== this.turn) return;
      this.take(rows);
      if (asked && !rows.length) say(gettext("No reservation was found for these."));
    } catch (error) {
      if (asked) say(error.message, "bad");
    }
  }

  take(rows) {
    this.rows = rows;
    for (const { id } of rows) this.ids.add(id);
    this.show();
    this.changed();
  }

  /** What was just made is ours, also when no list may name it. */
  add(made) {
    const known = new Set(made.map(({ id }) => id));
    this.take([...made, ...this.rows.filter(({ id }) => !known.has(id))]);
  }

  show() {
    const order = (one) => `${one.date} ${one.startTime}`;
    const isOpen = ({ status }) => status === "CONFIRMED" || status === "IN_PROGRESS";
    const open = this.rows.filter(isOpen).sort((a, b) => (order(a) < order(b) ? -1 : 1));
    const past = this.rows.filter((one) => !isOpen(one)).slice(0, LISTED);
    $("mine-list").replaceChildren(...open.map((one) => this.item(one)));
    $("past-list").replaceChildren(...past.map((one) => this.item(one)));
    $("past").hidden = !past.length;
    $("mine-nothing").hidden = open.length > 0;
  }

  item(one) {
    const open = one.status === "CONFIRMED" || one.status === "IN_PROGRESS";
    const words = element(
      "div",
      { class: "words" },
      element("b", {}, `${one.startTime}–${one.endTime}`),
      element("span", {}, `${shortDay(one.date)} · ${this.bayName(one.sessionId)}`),
      element("span", { class: "plate" }, one.plate),
    );
    const badge = element("span", { class: `badge ${BADGE[one.status]}` });
    badge.textContent = stateText(one.status);
    const item = element("li", { class: open ? "open" : "past" }, words, badge);
    if (!open) return item;
    const secrets = this.signedIn ? {} : (this.query ?? {});
    const file = element("a", {
      href: this.api.calendar(one.id, secrets),
      download: `${one.date}.ics`,
      role: "button",
      class: "quiet",
    });
    file.textContent = gettext("Calendar");
    const cancel = element("button", { type: "button", class: "quiet" });
    cancel.textContent = gettext("Cancel reservation");
    cancel.addEventListener("click", () => this.cancel(one));
    item.append(element("div", { class: "actions" }, file, cancel));
    return item;
  }

  async cancel(one) {
    const text = fill(gettext("%(day)s, %(start)s–%(end)s, %(bay)s"), {
      day: shortDay(one.date),
      start: one.startTime,
      end: one.endTime,
      bay: this.bayName(one.sessionId),
    });
    if (!(await ask($("cancel-dialog"), text))) return;
    try {
      await this.api.cancel(one.id, this.query ?? {});
      say(gettext("Cancelled. The bay is free again."), "good");
      this.take(this.rows.filter(({ id }) => id !== one.id));
    } catch (error) {
      say(error.message, "bad");
    }
    $("mine-title").focus();
    this.load();
  }
}
