// Draws the cars of one map: trails now and then, cars in every frame.
import { TRAIL_AGE } from "./fleet.js";
import { GLYPH, glyph, label } from "./glyphs.js";
import { palette } from "./palette.js";

const SHADES = 5;
const MARGIN = 40;
const NAMES_FROM_SCALE = 4; // pixels a metre
const MOST_NAMES = 2000; // squares of the picture, several for each name
const REACH = 22; // pixels between a click and the car it means

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Traffic {
  constructor(fleet, chases) {
    this.fleet = fleet;
    this.chases = chases;
    this.trails = true;
    this.names = false;
    this.followed = null;
    this.pointed = null;
    this.visible = []; // what the last frame showed: car, x, y
  }

  *on(mapId) {
    for (const car of this.fleet.cars.values()) {
      if (car.placed && car.mapId === mapId) yield car;
    }
  }

  /** Fading lines, gathered by colour and age so that few strokes draw them all. */
  drawTrails(pen, view, mapId, now) {
    if (!this.trails) return;
    const { scale, zeroX, zeroY, width, height } = view;
    const paths = { police: [], runner: [] };
    for (const car of this.on(mapId)) {
      const shades = paths[car.kind];
      const { trail } = car;
      car.drawnTrail = trail.length;
      for (let i = 1; i < trail.length; i += 1) {
        const age = (now - trail[i].at) / TRAIL_AGE;
        if (age >= 1) continue;
        const x = zeroX + trail[i].x * scale;
        const y = zeroY - trail[i].y * scale;
        if (x < -MARGIN || y < -MARGIN || x > width + MARGIN || y > height + MARGIN) {
          continue;
        }
        const shade = (shades[Math.floor(age * SHADES)] ??= new Path2D());
        shade.moveTo(zeroX + trail[i - 1].x * scale, zeroY - trail[i - 1].y * scale);
        shade.lineTo(x, y);
      }
    }
    pen.lineWidth = scale > 2 ? 4 : 2.5;
    for (const [kind, shades] of Object.entries(paths)) {
      pen.strokeStyle = palette[kind];
      shades.forEach((path, shade) => {
        pen.globalAlpha = 0.5 * (1 - shade / SHADES);
        pen.stroke(path);
      });
    }
    pen.globalAlpha = 1;
  }

  drawCars(pen, view, mapId, now) {
    this.visible.length = 0;
    const { scale, zeroX, zeroY, width, height } = view;
    const size = GLYPH * (scale < 0.4 ? 0.62 : scale < 1.5 ? 0.8 : scale > 10 ? 1.2 : 1);
    const heads = { police: new Path2D(), runner: new Path2D() };
    for (const car of this.on(mapId)) {
      const x = zeroX + car.shownX * scale;
      const y = zeroY - car.shownY * scale;
      if (x < -MARGIN || y < -MARGIN || x > width + MARGIN || y > height + MARGIN) {
        continue;
      }
      this.visible.push({ car, x, y });
      if (this.trails) this.drawHead(heads[car.kind], car, x, y, view);
    }
    // Runners last, so that they lie on top of the crowd that hunts them.
    this.visible.sort((a, b) => (a.car.kind < b.car.kind ? -1 : a.car.kind > b.car.kind));
    this.drawHeads(pen, heads, scale);
    const beat = calm.matches ? 0.5 : (now % 1400) / 1400;
    for (const seen of this.visible) this.drawCar(pen, view, seen, size, beat, now);
    pen.setTransform(view.clarity, 0, 0, view.clarity, 0, 0);
    pen.globalAlpha = 1;
    this.drawNames(pen, view, size);
  }

  // The youngest bit of a trail, between its last drawn point and the moving car.
  drawHead(path, car, x, y, { scale, zeroX, zeroY }) {
    const { trail } = car;
    const from = Math.max(0, Math.min(car.drawnTrail ?? 0, trail.length) - 1);
    if (from >= trail.length) return;
    path.moveTo(zeroX + trail[from].x * scale, zeroY - trail[from].y * scale);
    for (let i = from + 1; i < trail.length; i += 1) {
      path.lineTo(zeroX + trail[i].x * scale, zeroY - trail[i].y * scale);
    }
    path.lineTo(x, y);
  }

  drawHeads(pen, heads, scale) {
    pen.lineWidth = scale > 2 ? 4 : 2.5;
    pen.globalAlpha = 0.5;
    for (const kind of ["police", "runner"]) {
      pen.strokeStyle = palette[kind];
      pen.stroke(heads[kind]);
    }
    pen.globalAlpha = 1;
  }

  drawCar(pen, view, { car, x, y }, size, beat, now) {
    const silent = this.fleet.isSilent(car, now);
    const runner = car.kind === "runner";
    const mark = runner ? this.chases.standing(car.id) : car.level;
    pen.setTransform(view.clarity, 0, 0, view.clarity, x * view.clarity, y * view.clarity);
    if (mark === "chased" && !silent) this.drawPulse(pen, size, beat);
    if (car.id === this.followed) this.drawRing(pen, size);
    pen.globalAlpha = silent ? 0.6 : 1;
    const headed = car.heading !== null;
    if (headed) pen.rotate(-car.shownHeading);
    pen.drawImage(glyph(car.kind, headed, mark, silent), -size / 2, -size / 2, size, size);
    pen.globalAlpha = 1;
  }

  drawPulse(pen, size, beat) {
    pen.beginPath();
    pen.arc(0, 0, size * (0.45 + beat * 0.55), 0, 2 * Math.PI);
    pen.strokeStyle = palette.runner;
    pen.lineWidth = 2;
    pen.globalAlpha = 0.8 * (1 - beat);
    pen.stroke();
    pen.globalAlpha = 1;
  }

  drawRing(pen, size) {
    pen.beginPath();
    pen.arc(0, 0, size * 0.72, 0, 2 * Math.PI);
    pen.lineWidth = 3;
    pen.strokeStyle = palette.accent;
    pen.stroke();
  }

  drawNames(pen, view, size) {
    const all = this.names || view.scale >= NAMES_FROM_SCALE;
    const taken = new Set();
    const wanted = [];
    // From the end: runners, drawn last, get their names first.
    for (let i = this.visible.length - 1; i >= 0; i -= 1) {
      const { car, x, y } = this.visible[i];
      if (!car.name) continue;
      if (car.id === this.followed || car.id === this.pointed) wanted.push(i);
      else if (all && taken.size < MOST_NAMES) this.drawName(pen, view, car, x, y, size, taken);
    }
    for (const i of wanted) {
      const { car, x, y } = this.visible[i];
      this.drawName(pen, view, car, x, y, size);
    }
  }

  // Names that would cover each other are left out; `taken` holds coarse squares.
  drawName(pen, view, car, x, y, size, taken) {
    const plate = label(car.name, view.clarity);
    const [left, top] = [Math.round(x - plate.width / 2), Math.round(y + size * 0.6)];
    if (taken) {
      const squares = [];
      for (const edge of [top, top + plate.height]) {
        for (let at = left; at < left + plate.width + 32; at += 32) {
          squares.push(Math.floor(at / 32) * 1000 + Math.floor(edge / 20));
        }
      }
      if (squares.some((square) => taken.has(square))) return;
      for (const square of squares) taken.add(square);
    }
    pen.drawImage(plate.canvas, left, top, plate.width, plate.height);
  }

  /** The car nearest to a point of the picture, if one is near enough. */
  near(x, y) {
    let [best, distance] = [null, REACH];
    for (const seen of this.visible) {
      const d = Math.hypot(seen.x - x, seen.y - y);
      if (d <= distance) [best, distance] = [seen.car, d];
    }
    return best;
  }
}
