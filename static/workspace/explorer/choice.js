// The chart's part of the page: which kind, which columns, the picture itself.
import { $, element, write } from "../../shared/elements.js";
import { fill, gettext } from "../../shared/i18n.js";
import { draw } from "./chart.js";
import { dataOf, fittingChoice, SERIES } from "./series.js";

export class ChartChoice {
  constructor() {
    this.result = null;
    this.wanted = null; // what a saved query, or the person before this result, chose
    this.shapes = [];
    for (const button of document.querySelectorAll("[data-kind]")) {
      button.addEventListener("click", () => this.choose({ kind: button.dataset.kind }));
    }
    $("x").addEventListener("change", () => this.choose({ x: $("x").value }));
    $("y").addEventListener("change", () => this.choose({ y: this.checked() }));
    $("png").addEventListener("click", () => this.download());
    $("chart").addEventListener("pointermove", (event) => this.tell(event));
    $("chart").addEventListener("pointerleave", () => ($("tip").hidden = true));
    new ResizeObserver(() => this.redraw()).observe($("chart"));
    const again = () => requestAnimationFrame(() => this.redraw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  show(result) {
    this.result = result;
    this.choice = fittingChoice(result, this.wanted);
    this.offer();
    this.redraw();
  }

  choose(change) {
    this.choice = this.wanted = { ...this.choice, ...change };
    this.offer();
    this.redraw();
  }

  checked() {
    return [...$("y").querySelectorAll("input:checked")].map((input) => input.value);
  }

  /** Bring buttons and lists in line with the choice. */
  offer() {
    const { kind, x, y } = this.choice;
    for (const button of document.querySelectorAll("[data-kind]")) {
      button.setAttribute("aria-pressed", button.dataset.kind === kind);
    }
    const { columns } = this.result;
    const numbers = columns.filter((column) => column.kind === "number");
    const option = ({ name }) => element("option", { value: name, selected: name === x }, name);
    $("x").replaceChildren(...columns.map(option));
    const full = y.length >= SERIES;
    const box = ({ name }) => {
      const checked = y.includes(name);
      const type = kind === "pie" ? "radio" : "checkbox";
      const input = element("input", { type, name: "y", value: name, disabled: full && !checked });
      input.checked = kind === "pie" ? y[0] === name : checked;
      return element("label", {}, input, name);
    };
    const focused = document.activeElement?.closest("#y") && document.activeElement.value;
    $("y").replaceChildren($("y").querySelector("legend"), ...numbers.map(box));
    if (focused) $("y").querySelector(`input[value="${CSS.escape(focused)}"]`)?.focus();
  }

  redraw() {
    const canvas = $("chart");
    if (!this.result || !canvas.clientWidth) return;
    const { kind, x, y } = this.choice;
    this.shapes = draw(canvas, kind, dataOf(this.result, this.choice));
    canvas.setAttribute("aria-label", `${x} × ${y.join(", ")}`);
    write($("chart-note"), this.note(y));
  }

  note(y) {
    if (!y.length) return gettext("Choose a column with numbers for the y axis.");
    if (!this.shapes.length) return gettext("These columns hold no numbers to draw.");
    if (!this.result.more) return "";
    return fill(gettext("Drawn from the first %(count)s rows."), { count: this.result.rows.length });
  }

  tell(event) {
    const shape = this.shapes.findLast((one) => one.has(event.offsetX, event.offsetY));
    const tip = $("tip");
    tip.hidden = !shape;
    if (!shape) return;
    write(tip, shape.text);
    const room = $("chart").clientWidth - tip.offsetWidth;
    tip.style.left = `${Math.max(0, Math.min(room, event.offsetX + 12))}px`;
    tip.style.top = `${Math.max(0, event.offsetY - 36)}px`;
  }

  download() {
    $("chart").toBlob((picture) => {
      const url = URL.createObjectURL(picture);
      element("a", { href: url, download: `${this.choice.kind}.png` }).click();
      URL.revokeObjectURL(url);
    });
  }
}
