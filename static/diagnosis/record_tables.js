// The tables of a record: events, statistics, correlations, and every row of the file.
import { element } from "../shared/elements.js";
import { gettext } from "../shared/i18n.js";

const shortly = (value) => (value === null ? "–" : String(Number(value.toPrecision(6))));
const cells = (values, kind = "td") =>
  values.map((value) => element(kind, kind === "th" ? { scope: "col" } : { class: "number" }, value));

function fillTable(table, head, rows) {
  table.replaceChildren(
    element("thead", {}, element("tr", {}, ...cells(head, "th"))),
    element("tbody", {}, ...rows),
  );
}

/** `choose(seconds)` is called for an event that is chosen. */
export function showEvents(table, events, choose) {
  const word = { Success: gettext("Success"), Fail: gettext("Fail") };
  const rows = events.map(({ event, number, seconds, elapsed_seconds }) => {
    const name = element("button", { type: "button" }, `${word[event]} ${number}`);
    name.addEventListener("click", () => choose(seconds));
    return element(
      "tr",
      {},
      element("td", { class: event.toLowerCase() }, name),
      ...cells([seconds.toFixed(3), elapsed_seconds.toFixed(3)]),
    );
  });
  fillTable(table, [gettext("Event"), gettext("At, s"), gettext("Since the start or last fail, s")], rows);
}

export function showStatistics(table, statistics) {
  const rows = Object.entries(statistics).map(([name, { min, max, mean, deviation }]) =>
    element("tr", {}, element("th", { scope: "row" }, name), ...cells([min, max, mean, deviation].map(shortly))),
  );
  const head = [gettext("Channel"), gettext("Least"), gettext("Most"), gettext("Mean"), gettext("Deviation")];
  fillTable(table, head, rows);
}

/** {"A * B": r or null} as a table of all columns by all. */
export function showCorrelations(table, correlations) {
  const names = [...new Set(Object.keys(correlations).flatMap((pair) => pair.split(" * ")))];
  const of = (a, b) => correlations[`${a} * ${b}`] ?? correlations[`${b} * ${a}`] ?? null;
  const rows = names.map((row, i) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, row),
      ...names.slice(0, -1).map((column, j) => {
        if (j >= i) return element("td");
        const r = of(row, column);
        const cell = element("td", { class: r < 0 ? "negative" : "positive" }, r === null ? "–" : r.toFixed(2));
        cell.style.setProperty("--r", Math.abs(r ?? 0));
        return cell;
      }),
    ),
  );
  fillTable(table, ["", ...names.slice(0, -1)], rows.slice(1));
}

const ROWS_AT_ONCE = 200;

/** Show the rows of a CSV, some at first; returns a function that shows more, and
 * tells whether there are yet more. */
export function showRows(table, text) {
  const lines = parse(text);
  const [head, ...rows] = lines;
  fillTable(table, head, []);
  let shown = 0;
  return () => {
    const next = rows.slice(shown, shown + ROWS_AT_ONCE);
    table.tBodies[0].append(...next.map((row) => element("tr", {}, ...cells(row))));
    shown += next.length;
    return shown < rows.length;
  };
}

/** A CSV with minimal quoting as lists of cells. */
function parse(text) {
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy;
  const lines = [[]];
  for (let found = cell.exec(text); found; found = cell.exec(text)) {
    lines.at(-1).push(found[1] === undefined ? found[2] : found[1].replaceAll('""', '"'));
    if (cell.lastIndex >= text.length) break;
    if (found[3] !== ",") lines.push([]);
  }
  return lines;
}
