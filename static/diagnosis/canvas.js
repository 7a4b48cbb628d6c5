// A canvas in the size of its box, sharp on every screen, redrawn when asked to.
import { onThemeChange } from "../shared/colours.js";

export class Canvas {
  /** draw(ctx, width, height) in CSS pixels. */
  constructor(node, draw) {
    this.node = node;
    this.draw = draw;
    this.ctx = node.getContext("2d");
    new ResizeObserver(() => this.fit()).observe(node);
    onThemeChange(() => this.refresh());
  }

  fit() {
    const { width, height } = this.node.getBoundingClientRect();
    this.node.width = Math.round(width * devicePixelRatio);
    this.node.height = Math.round(height * devicePixelRatio);
    this.refresh();
  }

  /** Draw with the next frame, however often this is called. */
  refresh() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      const { ctx, node } = this;
      ctx.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
      const width = node.width / devicePixelRatio;
      const height = node.height / devicePixelRatio;
      ctx.clearRect(0, 0, width, height);
      this.draw(ctx, width, height);
    });
  }
}

/** The index of the last time at or before a moment, -1 before the first. */
export function indexAt(times, moment) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= moment) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Stroke the points from one index to another; null points leave a gap. */
export function stroke(ctx, points, from, to) {
  let pen = false;
  ctx.beginPath();
  for (let index = from; index <= to; index += 1) {
    const point = points[index];
    if (point && pen) ctx.lineTo(point[0], point[1]);
    else if (point) ctx.moveTo(point[0], point[1]);
    pen = point !== null;
  }
  ctx.stroke();
}

export function dot(ctx, point, radius, fillStyle) {
  if (!point) return;
  ctx.beginPath();
  ctx.arc(point[0], point[1], radius, 0, 2 * Math.PI);
  ctx.fillStyle = fillStyle;
  ctx.fill();
}
