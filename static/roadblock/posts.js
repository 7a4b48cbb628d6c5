// Draws plans: a runner's probable roads as heat, a bar across the road where a car
// is to stand, and a thread from the car to it.
import { fill, gettext } from "../shared/i18n.js";
import { label } from "./glyphs.js";
import { palette } from "./palette.js";
import { isThere, posts, secondsLeft } from "./plans.js";

const BAR = 9; // metres, half the length of a roadblock's sign
const SMALLEST = 9; // pixels, the same where metres are too small to be seen
const NAMES_FROM_SCALE = 0.8; // pixels a metre

export class PostLayer {
  constructor(plans, fleet) {
    Object.assign(this, { plans, fleet });
  }

  *shown(mapId) {
    for (const plan of this.plans.drawn()) {
      const runner = this.fleet.cars.get(this.runnerOf(plan));
      if (runner?.mapId === mapId) yield plan;
    }
  }

  runnerOf(plan) {
    for (const [runner, chase] of this.plans.chases.ids) {
      if (chase === plan.chase_id) return runner;
    }
    return null;
  }

  /** A car where a plan takes it to be: a trial may have moved it. */
  carOf(plan, id) {
    const car = this.fleet.cars.get(id);
    const moved = plan.moved?.get(id);
    return moved ? { ...car, ...moved, shownX: moved.x, shownY: moved.y } : car;
  }

  /** Roads as wide and dark as they are probable. */
  drawHeat(pen, { scale, zeroX, zeroY }, mapId) {
    pen.lineCap = "butt"; // round ends would lie on each other, and look likelier
    pen.lineJoin = "round";
    pen.strokeStyle = palette.heat;
    for (const { heat } of this.shown(mapId)) {
      for (const [part, line] of [...heat].sort((a, b) => a[0] - b[0])) {
        const weight = Math.sqrt(part);
        pen.globalAlpha = 0.12 + 0.6 * weight;
        pen.lineWidth = Math.max(2, Math.min(5.2 * scale, 9) * (0.4 + 0.6 * weight));
        pen.beginPath();
        pen.moveTo(zeroX + line[0] * scale, zeroY - line[1] * scale);
        for (let i = 2; i < line.length; i += 2) {
          pen.lineTo(zeroX + line[i] * scale, zeroY - line[i + 1] * scale);
        }
        pen.stroke();
      }
    }
    pen.globalAlpha = 1;
  }

  drawPosts(pen, view, mapId) {
    for (const plan of this.shown(mapId)) {
      const kept = new Set(posts(plan).map((post) => `${post.unit_id} ${post.node}`));
      for (const post of plan.before ? posts(plan.before) : []) {
        if (!kept.has(`${post.unit_id} ${post.node}`)) this.drawBar(pen, view, plan.before, post, 0.3);
      }
      for (const post of posts(plan)) this.drawThread(pen, view, plan, post);
      for (const post of posts(plan)) this.drawBar(pen, view, plan, post, 1);
      if (view.scale < NAMES_FROM_SCALE) continue;
      for (const post of posts(plan)) this.drawTimes(pen, view, plan, post);
    }
    pen.globalAlpha = 1;
    pen.setLineDash([]);
  }

  drawThread(pen, { scale, zeroX, zeroY }, plan, post) {
    const car = this.carOf(plan, post.unit_id);
    if (!car?.placed || isThere(car, post)) return;
    pen.globalAlpha = 0.75;
    pen.setLineDash([3, 6]);
    pen.lineWidth = 2;
    pen.strokeStyle = tone(plan);
    pen.beginPath();
    pen.moveTo(zeroX + car.shownX * scale, zeroY - car.shownY * scale);
    pen.lineTo(zeroX + post.x * scale, zeroY - post.y * scale);
    pen.stroke();
    pen.setLineDash([]);
  }

  drawBar(pen, view, plan, post, alpha) {
    const there = isThere(this.carOf(plan, post.unit_id), post);
    drawBar(pen, view, post, { tone: tone(plan), there, alpha });
  }

  drawTimes(pen, view, plan, post) {
    const there = isThere(this.carOf(plan, post.unit_id), post);
    const plate = label(times(plan, post, there), view.clarity);
    pen.globalAlpha = 1;
    pen.drawImage(
      plate.canvas,
      Math.round(view.zeroX + post.x * view.scale + 12),
      Math.round(view.zeroY - post.y * view.scale - plate.height - 8),
      plate.width,
      plate.height,
    );
  }
}

/** A bar across the road: striped until its car is there, solid from then on. */
export function drawBar(pen, view, post, { tone: colour, there = true, alpha = 1 }) {
  const { scale, zeroX, zeroY } = view;
  const half = Math.max(SMALLEST, Math.min(BAR * scale, 26));
  const angle = (post.heading * Math.PI) / 180;
  const [dx, dy] = [Math.cos(angle) * half, -Math.sin(angle) * half];
  const [x, y] = [zeroX + post.x * scale, zeroY - post.y * scale];
  const line = (width, tint) => {
    pen.lineWidth = width;
    pen.strokeStyle = tint;
    pen.beginPath();
    pen.moveTo(x - dx, y - dy);
    pen.lineTo(x + dx, y + dy);
    pen.stroke();
  };
  pen.globalAlpha = alpha;
  pen.lineCap = "butt";
  line(11, palette.halo);
  line(7, there ? colour : palette.halo);
  if (!there) pen.setLineDash([5, 4]);
  line(7, colour);
  pen.setLineDash([]);
}

/** A trial is no order, and looks like none. */
const tone = (plan) => (plan.is_trial ? palette.accent : palette.police);

/** "12 s · 8 s to spare": until the car is there, and from then to the runner. */
function times(plan, post, there) {
  const left = secondsLeft(plan, post);
  let eta = "–";
  if (there) eta = gettext("in place");
  else if (left !== null) eta = fill(gettext("%(n)s s"), { n: Math.round(left) });
  if (post.slack === null) return eta;
  const slack = fill(gettext("%(n)s s to spare"), { n: Math.round(post.slack) });
  return `${eta} · ${slack}`;
}
