// How a patient's figures went: a plot for each test, a line for each level.
import { colour, onThemeChange } from "../shared/colours.js";
import { element } from "../shared/elements.js";
import { fill, gettext } from "../shared/i18n.js";
import { axes, keepWidths, widthOf } from "./plot.js";
import { DATE_NAMES, testName, twoDecimals, written } from "./words.js";

const HEIGHT = 190;
const ROOM = 3 * 86_400; // seconds before the first point and after the last
const LEVELS = { 1: ["curve-1", []], 2: ["curve-2", [6, 4]], 3: ["curve-3", [2, 3]] };

export class Trends {
  /** `open(sessionId)` is called when a point is chosen. */
  constructor(root, open) {
    this.root = root;
    this.open = open;
    this.figure = "score";
    this.found = [];
    this.plots = [];
    onThemeChange(() => this.draw());
    keepWidths(root, () => this.plots);
  }

  choose(figure) {
    this.figure = figure;
    this.draw();
  }

  /** The tests as the API gives them: {type, level, results}. */
  show(found) {
    this.found = found;
    this.draw();
  }

  draw() {
    for (const { plot } of this.plots) plot.destroy();
    const types = [...new Set(this.found.map(({ type }) => type))];
    this.plots = [];
    this.root.replaceChildren();
    for (const type of types) this.plots.push(this.drawn(type));
  }

  drawn(type) {
    const tests = this.found.filter((test) => test.type === type);
    const box = element("div", { class: "plot" });
    const heading = element("h3", {}, testName(type));
    this.root.append(element("figure", { class: "trend" }, heading, box));
    const second = ({ created_at }) => Date.parse(created_at) / 1000;
    const data = uPlot.join(
      tests.map(({ results }) => [results.map(second), results.map((one) => one[this.figure])]),
    );
    const ids = new Map(
      tests.flatMap(({ results }) => results.map((one) => [second(one), one.id])),
    );
    const plot = new uPlot(
      {
        width: widthOf(box),
        height: HEIGHT,
        fmtDate: (template) => uPlot.fmtDate(template, DATE_NAMES),
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Asia/Seoul"),
        axes: axes(),
        scales: { x: { range: ({ data: [times] }) => [times[0] - ROOM, times.at(-1) + ROOM] }, y: { range: (u, low, high) => padded(low, high) } },
        series: [
          { label: gettext("Date"), value: (u, at) => (at ? written("moment", at * 1000) : "–") },
          ...tests.map(({ level }) => this.series(level)),
        ],
        cursor: { y: false, points: { size: 9 }, drag: { x: false, y: false } },
      },
      data,
      box,
    );
    plot.over.addEventListener("click", () => {
      const id = ids.get(plot.data[0][plot.cursor.idx]);
      if (id) this.open(id);
    });
    return { plot, box };
  }

  series(level) {
    const [name, dash] = LEVELS[level];
    return {
      label: fill(gettext("Level %(level)s"), { level }),
      stroke: colour(name),
      width: 2,
      dash,
      spanGaps: true,
      points: { show: true, size: 7, fill: colour(name) },
      value: (u, value) => (value == null ? "–" : twoDecimals(value)),
    };
  }
}

function padded(low, high) {
  const room = (high - low || Math.abs(high) || 1) * 0.15;
  return [low - room, high + room];
}
