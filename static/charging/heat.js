// How busy each half hour of the week was: a table whose cells are coloured.
import { fill, gettext } from "../shared/i18n.js";
import { $, element, write } from "../shared/elements.js";
import { clockOf, shortDay, weekday } from "./times.js";

const MONDAY = "2024-01-01"; // some week that begins on a Monday

const nameOf = (day) => weekday(`${MONDAY.slice(0, 8)}${String(day + 1).padStart(2, "0")}`);

/** {first, last, opens, slot, weekdays: [[share or null for each half hour] × 7]} */
export function showHeat({ first, last, opens, slot, weekdays }) {
  write($("heat-span"), `${shortDay(first)} – ${shortDay(last)}`);
  const count = weekdays[0]?.length ?? 0;
  const times = Array.from({ length: count }, (_, index) => opens + index * slot);
  const head = element("tr", {}, element("td"));
  times.forEach((at) => {
    if (at % 60 && at !== opens) return;
    const span = at % 60 ? 1 : Math.min(60 / slot, count - times.indexOf(at));
    const hour = element("th", { scope: "col", colspan: span });
    hour.textContent = String(Math.floor(at / 60));
    head.append(hour);
  });
  $("heat").replaceChildren(
    element("thead", {}, head),
    element(
      "tbody",
      {},
      ...weekdays.map((shares, day) => {
        const name = element("th", { scope: "row" });
        name.textContent = nameOf(day);
        return element("tr", {}, name, ...shares.map((s, i) => cell(s, day, times[i])));
      }),
    ),
  );
}

function cell(share, day, at) {
  const made = element("td", { class: share === null ? "none" : "share" });
  if (share === null) return made;
  const percent = Math.round(share * 100);
  made.style.setProperty("--share", share);
  made.title = fill(gettext("%(day)s %(time)s: %(n)s% taken"), {
    day: nameOf(day),
    time: clockOf(at),
    n: percent,
  });
  const said = element("span", { class: "visually-hidden" });
  said.textContent = `${percent} %`;
  made.append(said);
  return made;
}
