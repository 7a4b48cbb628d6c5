// The strip of days, and the date field for those further away.
import { gettext } from "../shared/i18n.js";
import { $, element } from "../shared/elements.js";
import { addDays, dayOfMonth, isWeekend, longDay, weekday } from "./times.js";

const SHOWN = 14;

export class Days {
  constructor(clock, { from = 0, onPick }) {
    this.clock = clock;
    this.from = from;
    this.onPick = onPick;
    $("date").addEventListener("change", ({ target }) => {
      if (target.value && target.validity.valid) this.pick(target.value);
    });
    this.pickQuietly(clock.now().day);
  }

  pickQuietly(day) {
    this.day = day;
    this.show();
  }

  pick(day) {
    this.pickQuietly(day);
    this.onPick(day);
  }

  show() {
    const today = this.clock.now().day;
    const first = addDays(today, this.from);
    const days = Array.from({ length: SHOWN }, (_, index) => addDays(first, index));
    const had = $("days").contains(document.activeElement);
    $("date").value = this.day;
    $("days").replaceChildren(
      ...days.map((day) => {
        const button = element(
          "button",
          {
            type: "button",
            class: `day${isWeekend(day) ? " weekend" : ""}${day === today ? " today" : ""}`,
            "aria-pressed": String(day === this.day),
            "aria-label": longDay(day),
          },
          element("small", {}, day === today ? gettext("today") : weekday(day)),
          element("b", {}, dayOfMonth(day)),
        );
        button.addEventListener("click", () => this.pick(day));
        return button;
      }),
    );
    const chosen = $("days").querySelector('[aria-pressed="true"]');
    if (had) chosen?.focus();
    chosen?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}
