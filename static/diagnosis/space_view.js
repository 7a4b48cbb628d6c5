// Positions in space: a box that can be turned by dragging, or with the arrow keys.
import { colour } from "../shared/colours.js";
import { element } from "../shared/elements.js";
import { gettext } from "../shared/i18n.js";
import { Canvas, stroke } from "./canvas.js";
import { drawWay } from "./path_view.js";

const TURN = 0.01; // radians for a pixel
const KEY_TURN = 0.12;
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const CHANNELS = ["Position_X", "Position_Y", "Position_Z"];
const EYE = 6; // distance in halves of the box
const CORNERS = [-1, 1].flatMap((x) => [-1, 1].flatMap((y) => [-1, 1].map((z) => [x, y, z])));
const EDGES = CORNERS.flatMap((a, i) =>
  CORNERS.slice(i + 1)
    .filter((b) => a.filter((value, axis) => value !== b[axis]).length === 1)
    .map((b) => [a, b]),
);

export class SpaceView {
  constructor(root, playback) {
    this.playback = playback;
    this.records = [];
    this.yaw = -0.6;
    this.pitch = 0.35;
    const title = gettext("Position in space");
    const node = element("canvas", {
      class: "turns",
      role: "img",
      tabindex: 0,
      "aria-label": `${title}. ${gettext("Turn it by dragging or with the arrow keys.")}`,
    });
    const hint = element("small", { class: "muted" }, gettext("Turn it by dragging or with the arrow keys."));
    root.append(element("figure", { class: "card path" }, element("h3", {}, title), node, hint));
    this.canvas = new Canvas(node, (ctx, width, height) => this.draw(ctx, width, height));
    node.addEventListener("pointerdown", ({ pointerId }) => node.setPointerCapture(pointerId));
    node.addEventListener("pointermove", (event) => {
      if (event.buttons) this.turn(event.movementX * TURN, event.movementY * TURN);
    });
    node.addEventListener("keydown", (event) => {
      const turn = KEYS[event.key];
      if (!turn) return;
      event.preventDefault();
      this.turn(turn[0] * KEY_TURN, turn[1] * KEY_TURN);
    });
    playback.listen(() => this.canvas.refresh());
  }

  show(records) {
    this.records = records.filter(({ points }) => CHANNELS.every((name) => points.channels[name]));
    this.canvas.refresh();
  }

  turn(yaw, pitch) {
    this.yaw += yaw;
    this.pitch = Math.max(-1.5, Math.min(1.5, this.pitch + pitch));
    this.canvas.refresh();
  }

  draw(ctx, width, height) {
    const ways = this.records.map(({ points: { channels } }) => {
      const [x, y, z] = CHANNELS.map((name) => channels[name]);
      return x.map((_, at) => (x[at] === null ? null : [x[at], y[at], z[at]]));
    });
    const known = ways.flat().filter(Boolean);
    if (!known.length) return;
    const inBox = boxed(known);
    const place = this.projection(width, height);
    this.drawBox(ctx, place);
    this.records.forEach(({ points, events }, other) => {
      const inside = ways[other].map((point) => point && inBox(point));
      // Its shadow on the floor tells where in the box it is.
      ctx.strokeStyle = colour("line");
      ctx.lineWidth = 1;
      ctx.setLineDash([]);
      stroke(ctx, inside.map((point) => point && place([point[0], -1, point[2]])), 0, inside.length - 1);
      drawWay(ctx, inside.map((point) => point && place(point)), points, events, this.playback.moment, other);
    });
  }

  /** Return a function from the box, -1 to 1 on each axis, to pixels; Y is up. */
  projection(width, height) {
    const [cy, sy, cp, sp] = [Math.cos(this.yaw), Math.sin(this.yaw), Math.cos(this.pitch), Math.sin(this.pitch)];
    const size = Math.min(width, height) * 1.5;
    return ([x, y, z]) => {
      const across = cy * x + sy * z;
      const away = cy * z - sy * x;
      const up = cp * y - sp * away;
      const depth = EYE + (sp * y + cp * away);
      return [width / 2 + (across / depth) * size, height / 2 - (up / depth) * size];
    };
  }

  drawBox(ctx, place) {
    ctx.lineWidth = 1;
    ctx.setLineDash([]);
    ctx.strokeStyle = colour("line");
    for (const [a, b] of EDGES) stroke(ctx, [place(a), place(b)], 0, 1);
    ctx.fillStyle = colour("ink-soft");
    ctx.font = "12px system-ui, sans-serif";
    ctx.textAlign = "center";
    for (const [name, at] of [["X", [1.14, -1, -1]], ["Y", [-1, 1.14, -1]], ["Z", [-1, -1, 1.14]]]) {
      ctx.fillText(name, ...place(at));
    }
  }
}

/** Return a function that puts points into the box, all axes in one scale. */
function boxed(known) {
  const spans = [0, 1, 2].map((axis) => {
    const values = known.map((point) => point[axis]);
    return [Math.min(...values), Math.max(...values)];
  });
  const half = Math.max(...spans.map(([low, high]) => high - low)) / 2 || 1;
  return (point) => point.map((value, axis) => (value - (spans[axis][0] + spans[axis][1]) / 2) / half);
}
