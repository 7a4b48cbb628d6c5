// Standing in line for a time that is taken: join, see how it stands, accept an offer.
import { fill, gettext } from "../shared/i18n.js";
import { $, ask, element, say } from "../shared/elements.js";
import { shortDay } from "./times.js";

const REMEMBERED = "madang.charging.waiting";
const LOOK_EVERY = 20_000;
const LASTS = ["waiting", "offered"];

export class Waiting {
  constructor({ api, clock, booking, address, bayName, accepted }) {
    Object.assign(this, { api, clock, booking, address, bayName, accepted });
    this.entries = new Map();
    const named = new URLSearchParams(location.search).get("waiting");
    for (const id of new Set([...this.remembered(), named ?? []].flat())) {
      this.entries.set(id, null);
    }
    this.look();
    setInterval(() => document.hidden || this.look(), LOOK_EVERY);
  }

  remembered() {
    try {
      return JSON.parse(sessionStorage.getItem(REMEMBERED) ?? "[]");
    } catch {
      return []; // storage refused, as in some private windows
    }
  }

  remember() {
    try {
      sessionStorage.setItem(REMEMBERED, JSON.stringify([...this.entries.keys()]));
    } catch {
      // the line is then known to this page alone, and to the mail
    }
  }

  /** Offer to wait for somebody else's time. */
  async offer(one) {
    if (one.status !== "CONFIRMED") return;
    const text = fill(gettext("%(bay)s is taken from %(start)s to %(end)s."), {
      bay: this.bayName(one.sessionId),
      start: one.startTime,
      end: one.endTime,
    });
    const answer = await ask($("wait-dialog"), text);
    if (!answer || !this.booking.checked()) return;
    const { plate, email } = this.booking.driver;
    const contactEmail = email || this.address;
    if (!contactEmail) {
      say(gettext("Give your e-mail address first, so that we can write to you."), "bad");
      $("email").focus();
      return;
    }
    const { date, startTime, endTime } = one;
    const sessionId = answer.any ? null : one.sessionId;
    const body = { sessionId, plate, date, startTime, endTime, contactEmail };
    try {
      const entry = await this.api.wait(body);
      this.entries.set(entry.id, entry);
      this.remember();
      this.show();
      say(gettext("You are in line. We write to you as soon as it is free."), "good");
    } catch (error) {
      say(error.message, "bad");
    }
  }

  /** Ask how every entry stands; what is over is forgotten. */
  async look() {
    for (const id of [...this.entries.keys()]) {
      try {
        const entry = await this.api.waiting(id);
        if (LASTS.includes(entry.state)) this.entries.set(id, entry);
        else this.entries.delete(id);
      } catch (error) {
        if (error.status === 404) this.entries.delete(id);
      }
    }
    this.remember();
    this.show();
  }

  show() {
    const known = [...this.entries.values()].filter(Boolean);
    $("wait-list").replaceChildren(...known.map((entry) => this.item(entry)));
    $("wait-list").hidden = !known.length;
  }

  item(entry) {
    const offered = entry.state === "offered";
    const bay = entry.sessionId ?? entry.offer?.sessionId ?? 0;
    const note = element("span");
    note.textContent = offered
      ? fill(gettext("kept for you until %(time)s"), {
          time: this.clock.when(entry.offeredUntil),
        })
      : gettext("We write to you when it is free.");
    const words = element(
      "div",
      { class: "words" },
      element("b", {}, `${entry.startTime}–${entry.endTime}`),
      element("span", {}, `${shortDay(entry.date)} · ${this.bayName(bay)}`),
      note,
    );
    const badge = element("span", { class: `badge ${offered ? "live" : "warn"}` });
    badge.textContent = offered ? gettext("free for you") : gettext("in line");
    const leave = element("button", { type: "button", class: "quiet" });
    leave.textContent = gettext("Leave the line");
    leave.addEventListener("click", () => this.leave(entry));
    const actions = element("div", { class: "actions" }, leave);
    if (offered) {
      const accept = element("button", { type: "button", class: "accept" });
      accept.textContent = gettext("Take it");
      accept.addEventListener("click", () => this.accept(entry));
      actions.prepend(accept);
    }
    return element("li", { class: `wait${offered ? " offered" : ""}` }, words, badge, actions);
  }

  async accept(entry) {
    try {
      this.accepted(await this.api.accept(entry.id));
      say(gettext("The bay is yours."), "good");
    } catch (error) {
      say(error.message, "bad");
    }
    this.look();
  }

  async leave(entry) {
    try {
      await this.api.leave(entry.id);
      this.entries.delete(entry.id);
      this.remember();
      this.show();
    } catch (error) {
      say(error.message, "bad");
    }
  }
}
