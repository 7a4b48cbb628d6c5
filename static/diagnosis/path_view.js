// The way of two channels on a plane: what is behind is bold, what is ahead is thin.
import { colour } from "../shared/colours.js";
import { element } from "../shared/elements.js";
import { Canvas, dot, indexAt, stroke } from "./canvas.js";

const MARGIN = 34;

export class PathView {
  constructor(root, { title, across, up, playback }) {
    Object.assign(this, { across, up, playback, records: [] });
    const node = element("canvas", { role: "img", "aria-label": title });
    root.append(element("figure", { class: "card path" }, element("h3", {}, title), node));
    this.canvas = new Canvas(node, (ctx, width, height) => this.draw(ctx, width, height));
    playback.listen(() => this.canvas.refresh());
  }

  show(records) {
    this.records = records.filter(({ points }) => points.channels[this.across] && points.channels[this.up]);
    this.canvas.refresh();
  }

  draw(ctx, width, height) {
    const ways = this.records.map(({ points: { channels } }) =>
      channels[this.across].map((x, index) => {
        const y = channels[this.up][index];
        return x === null || y === null ? null : [x, y];
      }),
    );
    const known = ways.flat().filter(Boolean);
    if (!known.length) return;
    const place = fitted(known, width, height);
    drawFrame(ctx, width, height, this.across, this.up);
    this.records.forEach(({ points, events }, other) => {
      const way = ways[other].map((point) => point && place(point));
      drawWay(ctx, way, points, events, this.playback.moment, other);
    });
  }
}

/** Return a function from values to pixels: as large as fits, both axes alike. */
function fitted(known, width, height) {
  const span = (axis) => {
    const values = known.map((point) => point[axis]);
    return [Math.min(...values), Math.max(...values)];
  };
  const [[left, right], [low, high]] = [span(0), span(1)];
  const scale = Math.min(
    (width - 2 * MARGIN) / (right - left || 1),
    (height - 2 * MARGIN) / (high - low || 1),
  );
  return ([x, y]) => [
    width / 2 + (x - (left + right) / 2) * scale,
    height / 2 - (y - (low + high) / 2) * scale,
  ];
}

function drawFrame(ctx, width, height, across, up) {
  ctx.strokeStyle = colour("line");
  ctx.setLineDash([]);
  ctx.lineWidth = 1;
  ctx.strokeRect(MARGIN / 2, MARGIN / 2, width - MARGIN, height - MARGIN);
  ctx.fillStyle = colour("ink-soft");
  ctx.font = "12px system-ui, sans-serif";
  ctx.textAlign = "right";
  ctx.fillText(`${across} →`, width - MARGIN / 2 - 6, height - MARGIN / 2 - 6);
  ctx.textAlign = "left";
  ctx.fillText(`↑ ${up}`, MARGIN / 2 + 6, MARGIN / 2 + 16);
}

/** Draw a way up to the moment and beyond, the events on it, and where it is. */
export function drawWay(ctx, way, points, events, moment, other) {
  const ink = colour(other ? "curve-2" : "curve-1");
  const now = indexAt(points.seconds, moment);
  ctx.strokeStyle = ink;
  ctx.setLineDash(other ? [6, 4] : []);
  ctx.globalAlpha = 0.35;
  ctx.lineWidth = 1;
  stroke(ctx, way, 0, way.length - 1);
  ctx.globalAlpha = other ? 0.6 : 1;
  ctx.lineWidth = 2;
  stroke(ctx, way, 0, now);
  ctx.setLineDash([]);
  for (const { row, event } of events) {
    const point = way[points.rows.indexOf(row)];
    if (event === "Success") dot(ctx, point, 3.5, colour("mark-success"));
    else if (point) cross(ctx, point, colour("mark-fail"));
  }
  ctx.globalAlpha = 1;
  dot(ctx, way[Math.max(now, 0)], 6, other ? ink : colour("moment"));
}

function cross(ctx, [x, y], strokeStyle) {
  ctx.strokeStyle = strokeStyle;
  ctx.lineWidth = 2;
  ctx.beginPath();
  ctx.moveTo(x - 4, y - 4);
  ctx.lineTo(x + 4, y + 4);
  ctx.moveTo(x + 4, y - 4);
  ctx.lineTo(x - 4, y + 4);
  ctx.stroke();
}
