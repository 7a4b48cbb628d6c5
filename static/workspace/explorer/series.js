// From a result and a choice of columns to what a chart draws.

export const SERIES = 10;
const SLICES = 9; // and the rest: as many as there are colours
const MOMENT = /^\d{4}-\d\d-\d\d/;

/** The choice that fits a result best, or `wanted` as far as its columns exist. */
export function fittingChoice({ columns }, wanted) {
  const names = columns.map((column) => column.name);
  const numbers = columns.filter((column) => column.kind === "number");
  const y = (wanted?.y ?? []).filter((name) => names.includes(name));
  const text = columns.find((column) => column.kind !== "number") ?? columns[0];
  const x = names.includes(wanted?.x) ? wanted.x : text?.name;
  const first = numbers.find((column) => column.name !== x) ?? numbers[0];
  return {
    kind: wanted?.kind ?? "bar",
    x,
    y: y.length ? y.slice(0, SERIES) : first ? [first.name] : [],
  };
}

/** {x: {type, labels, values}, series: [{name, values}]}; null is a gap. */
export function dataOf({ columns, rows }, { kind, x, y }) {
  const at = (name) => columns.findIndex((column) => column.name === name);
  const labels = rows.map((row) => row[at(x)] ?? "NULL");
  const series = y.map((name) => ({
    name,
    values: rows.map((row) => numberOf(row[at(name)])),
  }));
  if (kind === "pie") return pieOf(labels, series[0]);
  return { x: axisOf(columns[at(x)], labels, kind), series };
}

const numberOf = (cell) => {
  const value = cell === null || cell === "" ? NaN : Number(cell);
  return Number.isFinite(value) ? value : null;
};

function axisOf(column, labels, kind) {
  const values = labels.map(column.kind === "number" ? numberOf : momentOf);
  const measured = labels.length > 0 && values.every((value) => value !== null);
  if (kind === "bar" || !measured) {
    return { type: "names", labels, values: labels.map((_, index) => index) };
  }
  return { type: column.kind === "number" ? "numbers" : "moments", labels, values };
}

function momentOf(label) {
  if (!MOMENT.test(label)) return null;
  // As PostgreSQL writes it: a blank for the T, +00 for +00:00.
  const moment = Date.parse(label.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00"));
  return Number.isFinite(moment) ? moment : null;
}

/** The largest slices, the rest as one; what is not above zero has none. */
function pieOf(labels, series) {
  const slices = labels
    .map((label, index) => ({ label, value: series?.values[index] ?? 0 }))
    .filter((slice) => slice.value > 0)
    .sort((a, b) => b.value - a.value);
  const total = slices.reduce((sum, slice) => sum + slice.value, 0);
  const rest = slices.splice(SLICES);
  return { slices, total, rest };
}
