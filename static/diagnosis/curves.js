// A record's channels over time: plots that share their moment and their window, with
// a mark for each event; a second record's curves are dashed.
import { colour, onThemeChange } from "../shared/colours.js";
import { element } from "../shared/elements.js";
import { gettext } from "../shared/i18n.js";
import { axes, keepWidths, widthOf } from "./plot.js";

const HEIGHT = 200;
const NAMES = ["curve-1", "curve-2", "curve-3"];
const rotation = ["Rotation_X", "Rotation_Y", "Rotation_Z"];
const position = ["Position_X", "Position_Y", "Position_Z"];

export class Curves {
  /** `zoomed(isZoomed)` is told whether a part or all is shown. */
  constructor(root, playback, zoomed) {
    Object.assign(this, { root, playback, zoomed });
    this.records = [];
    this.plots = [];
    this.scaled = false;
    onThemeChange(() => this.draw());
    playback.listen(() => this.point());
    keepWidths(root, () => this.plots);
  }

  /** One record, or two to compare: what the API's analysis gives. */
  show(records) {
    this.records = records;
    this.draw();
  }

  setScaled(scaled) {
    this.scaled = scaled;
    this.draw();
  }

  showAll() {
    const length = Math.max(...this.records.map(({ points }) => points.seconds.at(-1)));
    for (const { plot } of this.plots) plot.setScale("x", { min: 0, max: length });
  }

  draw() {
    for (const { plot } of this.plots) plot.destroy();
    this.plots = [];
    this.root.replaceChildren();
    const groups = [
      [gettext("Rotation"), rotation],
      [gettext("Position"), position],
      [gettext("Gap"), ["Gap"]],
      [gettext("Score"), ["Score"]],
      [gettext("State"), ["State"]],
    ];
    for (const [title, names] of groups) {
      const known = names.filter((name) => this.records[0]?.points.channels[name]);
      if (known.length) this.plots.push(this.drawn(title, known));
    }
    this.zoomed(false);
    this.point();
  }

  drawn(title, names) {
    const box = element("div", { class: "plot" });
    this.root.append(element("h3", {}, title), box);
    const tables = this.records.map(({ points }) => inOrder(points, names, this.change(title)));
    const plot = new uPlot(
      {
        width: widthOf(box),
        height: HEIGHT,
        axes: axes(),
        scales: { x: { time: false } },
        series: [
          { label: gettext("Seconds"), value: (u, at) => (at == null ? "–" : at.toFixed(2)) },
          ...this.records.flatMap((record, other) =>
            names.map((name, axis) => series(name, axis, other)),
          ),
        ],
        cursor: { y: false, drag: { x: true, y: false }, points: { size: 7 } },
        hooks: {
          draw: [(u) => this.drawMarks(u)],
          setCursor: [(u) => this.pointed(u)],
          setScale: [(u, key) => key === "x" && this.zoom(u)],
        },
      },
      tables.length > 1 ? uPlot.join(tables) : tables[0],
      box,
    );
    return { plot, box };
  }

  /** Scaled positions run from 0 to 1 on each axis. */
  change(title) {
    if (!this.scaled || title !== gettext("Position")) return (values) => values;
    return (values) => {
      const known = values.filter((value) => value !== null);
      const low = Math.min(...known);
      const span = Math.max(...known) - low || 1;
      return values.map((value) => (value === null ? null : (value - low) / span));
    };
  }

  // One moment, one window

  pointed(plot) {
    if (this.busy || !plot.cursor.event || plot.cursor.left < 0) return;
    this.playback.show(plot.posToVal(plot.cursor.left, "x"));
  }

  point() {
    this.busy = true;
    for (const { plot } of this.plots) {
      const left = plot.valToPos(this.playback.moment, "x");
      plot.setCursor({ left, top: 10 }, false);
    }
    this.busy = false;
  }

  zoom(source) {
    if (this.zooming) return;
    this.zooming = true;
    const { min, max } = source.scales.x;
    for (const { plot } of this.plots) if (plot !== source) plot.setScale("x", { min, max });
    this.zooming = false;
    requestAnimationFrame(() => this.point()); // when all have drawn
    const times = source.data[0];
    this.zoomed(min > times[0] || max < times.at(-1));
  }

  // Events

  drawMarks(plot) {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    ctx.textBaseline = "top";
    this.records.forEach(({ events }, other) => {
      let free = -Infinity; // where the next number has room
      for (const { seconds, event, number } of events) {
        const x = plot.valToPos(seconds, "x", true);
        ctx.strokeStyle = ctx.fillStyle = colour(event === "Success" ? "mark-success" : "mark-fail");
        ctx.globalAlpha = other ? 0.35 : 0.9;
        ctx.lineWidth = ratio;
        ctx.setLineDash(other ? [2 * ratio, 6 * ratio] : [5 * ratio, 4 * ratio]);
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
        const text = event === "Success" ? String(number) : "×";
        const width = ctx.measureText(text).width + 4 * ratio;
        if (other || x - width / 2 < free) continue;
        ctx.clearRect(x - width / 2, bbox.top, width, 14 * ratio);
        ctx.fillText(text, x, bbox.top + ratio);
        free = x + width / 2;
      }
    });
    ctx.restore();
  }
}

function series(name, axis, other) {
  const isStep = name === "Score" || name === "State";
  return {
    label: other ? `${name} ′` : name,
    stroke: colour(NAMES[axis]),
    width: 1.5,
    dash: other ? [6, 4] : [],
    points: { show: false },
    paths: isStep ? uPlot.paths.stepped({ align: 1 }) : undefined,
    value: (u, value) => (value == null ? "–" : String(Number(value.toPrecision(6)))),
  };
}

/** A plot wants its times in order; a headset's clock may have been set back. */
function inOrder({ seconds, channels }, names, change) {
  const order = seconds.map((_, index) => index).sort((a, b) => seconds[a] - seconds[b]);
  const sorted = (values) => order.map((index) => values[index]);
  return [sorted(seconds), ...names.map((name) => change(sorted(channels[name] ?? [])))];
}
