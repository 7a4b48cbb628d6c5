// The form beside the grid: whose car, what was chosen, and reserving it.
import { fill, gettext, ngettext } from "../shared/i18n.js";
import { newKey } from "./api.js";
import { $, element, say, write } from "../shared/elements.js";
import { clockOf, longDay } from "./times.js";

const REMEMBERED = "madang.charging.driver";

export class Booking {
  constructor({ api, selection, clock, signedIn, bayName, changed, reserved }) {
    Object.assign(this, { api, selection, clock, signedIn, bayName, changed, reserved });
    this.form = $("booking");
    this.fields = { plate: $("plate"), contactEmail: $("email") };
    this.key = null;
    this.remember();
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.reserve();
    });
    this.form.addEventListener("input", ({ target }) => this.mark(target, ""));
    $("until").addEventListener("change", ({ target }) => {
      selection.end = Number(target.value);
      selection.length = selection.end - selection.start;
      changed();
    });
    $("clear").addEventListener("click", () => {
      selection.clear();
      changed();
    });
    for (const button of document.querySelectorAll("[data-several]")) {
      button.addEventListener("click", () => this.choose(button));
    }
  }

  choose(button) {
    this.selection.several = button.dataset.several === "true";
    this.selection.clear();
    for (const other of document.querySelectorAll("[data-several]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
    write(
      $("hint"),
      this.selection.several
        ? gettext("Tap every start you want; each is one hour.")
        : gettext("Tap a free half hour to begin, another one to end."),
    );
    this.changed();
  }

  get driver() {
    return {
      plate: this.fields.plate.value.trim(),
      email: this.fields.contactEmail?.value.trim() ?? "",
    };
  }

  /** Keep plate and address for this tab alone: others may use this browser. */
  remember() {
    try {
      const known = JSON.parse(sessionStorage.getItem(REMEMBERED) ?? "{}");
      this.fields.plate.value ||= known.plate ?? "";
      if (this.fields.contactEmail) this.fields.contactEmail.value ||= known.email ?? "";
      this.form.addEventListener("change", () =>
        sessionStorage.setItem(REMEMBERED, JSON.stringify(this.driver)),
      );
    } catch {
      // storage refused, as in some private windows
    }
  }

  show(day) {
    const { selection } = this;
    const empty = selection.isEmpty;
    this.day = day;
    $("summary").hidden = empty;
    $("choose-first").hidden = !empty;
    $("reserve").disabled = empty || this.busy;
    $("bar").hidden = empty;
    document.body.classList.toggle("has-bar", !empty);
    if (empty) {
      this.key = null;
      return;
    }
    const bay = this.bayName(selection.bay);
    write($("chosen-bay"), bay);
    write($("chosen-day"), longDay(day.date));
    write($("chosen-time"), selection.text);
    write($("chosen-length"), lengthText(selection.minutes));
    write($("bar-text"), `${bay} · ${selection.text}`);
    this.offerEnds(day);
  }

  offerEnds(day) {
    const { selection } = this;
    $("until-row").hidden = selection.several;
    if (selection.several) return;
    const ends = day.endsFrom(selection.bay, selection.start, this.clock.now());
    $("until").replaceChildren(
      ...ends.map((end) =>
        element(
          "option",
          { value: end },
          `${clockOf(end)} (${lengthText(end - selection.start)})`,
        ),
      ),
    );
    $("until").value = selection.end;
  }

  async reserve() {
    const { selection } = this;
    if (selection.isEmpty || this.busy || !this.checked()) return;
    const { plate, email } = this.driver;
    const body = { ...selection.asBody(this.day.date), plate };
    if (email) body.contactEmail = email;
    // The same key until the choice changes: a lost answer must not book twice.
    const wanted = JSON.stringify(body);
    if (this.wanted !== wanted) this.key = null;
    this.wanted = wanted;
    this.key ??= newKey();
    this.work(true);
    try {
      const made = selection.several
        ? await this.api.reserveHours(body, this.key)
        : [await this.api.reserve(body, this.key)];
      this.key = null;
      selection.clear();
      say(
        fill(
          ngettext(
            "Reserved: %(bay)s, %(times)s.",
            "Reserved: %(bay)s, %(times)s.",
            made.length,
          ),
          {
            bay: this.bayName(made[0].sessionId),
            times: made.map((one) => `${one.startTime}–${one.endTime}`).join(", "),
          },
        ),
        "good",
      );
      this.reserved(made);
    } catch (error) {
      this.key = null;
      this.refused(error);
    } finally {
      this.work(false);
    }
  }

  checked() {
    const bad = Object.values(this.fields).find((field) => field && !field.checkValidity());
    if (!bad) return true;
    this.mark(bad, bad.validationMessage);
    bad.focus();
    return false;
  }

  refused(error) {
    const field = this.fields[error.field];
    if (field) {
      this.mark(field, error.message);
      field.focus();
    } else {
      write($("refusal"), error.message);
      $("refusal").hidden = false;
    }
  }

  /** Say what is wrong with a field beneath it; an empty text takes that back. */
  mark(field, text) {
    $("refusal").hidden = true;
    const line = $(`${field.id}-error`);
    if (!line) return;
    line.hidden = !text;
    write(line, text);
    if (text) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }

  work(busy) {
    this.busy = busy;
    $("reserve").setAttribute("aria-busy", String(busy));
    $("reserve").disabled = busy || this.selection.isEmpty;
  }
}

export function lengthText(minutes) {
  const hours = minutes / 60;
  if (minutes < 60) return fill(gettext("%(n)s min"), { n: minutes });
  return fill(ngettext("%(n)s hour", "%(n)s hours", hours), { n: hours });
}
