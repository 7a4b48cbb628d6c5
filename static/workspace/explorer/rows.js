// The table of a result.
import { element } from "../../shared/elements.js";

export function showRows(table, { columns, rows }) {
  const numeric = columns.map((column) => column.kind === "number");
  const heads = columns.map((column, at) =>
    element("th", { scope: "col", class: numeric[at] ? "number" : "" }, column.name),
  );
  const lines = rows.map((row) =>
    element("tr", {}, ...row.map((cell, at) => cellOf(cell, columns[at].kind))),
  );
  table.replaceChildren(
    element("thead", {}, element("tr", {}, ...heads)),
    element("tbody", {}, ...lines),
  );
}

const BOOLEANS = { t: "true", f: "false" };

function cellOf(cell, kind) {
  if (cell === null) return element("td", { class: "null" }, "NULL");
  if (kind === "boolean") return element("td", {}, BOOLEANS[cell] ?? cell);
  return element("td", { class: kind === "number" ? "number" : "" }, cell);
}
