// Cards of the tests that are live, and of how those seen here have ended.
import { $, ask, element, say, write } from "../shared/elements.js";
import { fill, gettext } from "../shared/i18n.js";
import { STATE_BADGE, countdown, isLive, stateName, testTitle, written } from "./words.js";

export class LiveTests {
  /** `nameOf(patientId)` is {name, code}, or null for one who isn't shown here. */
  constructor({ api, line, nameOf }) {
    Object.assign(this, { api, line, nameOf });
    this.cards = new Map();
    this.closed = new Set();
    setInterval(() => this.tick(), 500);
  }

  show() {
    const shown = [...this.line.sessions.values()].filter(
      (session) => !this.closed.has(session.id) && this.nameOf(session.patient_id),
    );
    for (const [id, card] of this.cards) {
      if (!shown.some((session) => session.id === id)) {
        card.root.remove();
        this.cards.delete(id);
      }
    }
    for (const session of shown) {
      if (!this.cards.has(session.id)) this.cards.set(session.id, this.card(session));
      this.fill(this.cards.get(session.id), session);
    }
    $("live").hidden = !shown.length;
    this.tick();
  }

  card(session) {
    const card = {
      name: element("span"),
      code: element("span"),
      badge: element("span", { role: "status" }),
      test: element("p", { class: "muted" }),
      left: element("b", { class: "countdown", role: "timer" }),
      until: element("span", { class: "muted" }),
      scoring: element("progress", { hidden: true, "aria-label": gettext("Scoring") }),
      steps: element("ol", { class: "steps" }),
      reason: element("p", { class: "message error", hidden: true }),
      cancel: element("button", { type: "button", class: "plain bad" }, gettext("Cancel test")),
      record: element(
        "a",
        { role: "button", href: this.api.recordPage(session.id) },
        gettext("Open the record"),
      ),
      close: element("button", { type: "button", class: "plain" }, gettext("Close")),
    };
    card.cancel.addEventListener("click", () => this.cancel(session.id));
    card.close.addEventListener("click", () => {
      this.closed.add(session.id);
      this.show();
    });
    card.clock = element("p", { class: "left" }, card.left, card.until);
    card.root = element(
      "li",
      { class: "card live-test", "data-session": session.id },
      element("header", {}, element("h3", {}, card.name, " · ", card.code), card.badge),
      card.test,
      card.clock,
      card.scoring,
      card.steps,
      card.reason,
      element("div", { class: "buttons" }, card.cancel, card.record, card.close),
    );
    $("live-list").prepend(card.root);
    return card;
  }

  fill(card, session) {
    const { name, code } = this.nameOf(session.patient_id);
    const live = isLive(session);
    const scoring = live && session.received_at !== null;
    card.session = session;
    write(card.name, name || "–");
    write(card.code, code);
    card.badge.className = `badge ${scoring ? "live" : STATE_BADGE[session.state]}`;
    write(card.badge, scoring ? gettext("scoring") : stateName(session.state));
    write(
      card.test,
      fill(gettext("%(test)s · session %(code)s"), {
        test: testTitle(session),
        code: session.code,
      }),
    );
    write(
      card.until,
      fill(gettext("until %(time)s"), { time: written("clock", session.expired_at) }),
    );
    card.clock.hidden = !live || scoring;
    card.scoring.hidden = !scoring;
    card.steps.replaceChildren(
      ...session.changes.map((change) =>
        element(
          "li",
          {},
          element("time", { datetime: change.timestamp }, written("second", change.timestamp)),
          stateName(change.state),
        ),
      ),
    );
    card.reason.hidden = !session.reason;
    write(card.reason, session.reason);
    card.cancel.hidden = !live;
    card.close.hidden = live;
    card.record.hidden = session.state !== "COMPLETED";
  }

  tick() {
    for (const { left, session } of this.cards.values()) {
      write(left, countdown(Date.parse(session.expired_at) - this.line.now()));
    }
  }

  async cancel(id) {
    const { patient_id } = this.line.sessions.get(id);
    const { name, code } = this.nameOf(patient_id);
    if (!(await ask($("cancel-dialog"), `${name} · ${code}`))) return;
    try {
      await this.api.cancel(id);
    } catch (error) {
      say(error.message, "bad");
    }
  }
}
