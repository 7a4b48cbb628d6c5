// Draws what "what if" has moved: cars where they are not, and posts on their way.
import { GLYPH, glyph, label } from "../glyphs.js";
import { palette } from "../palette.js";

export class Ghosts {
  constructor(whatIf) {
    this.whatIf = whatIf;
  }

  draw(pen, view) {
    const { whatIf } = this;
    const at = ({ x, y }) => [view.zeroX + x * view.scale, view.zeroY - y * view.scale];
    if (whatIf.mode === "close") {
      for (const way of whatIf.trial?.containment?.ways ?? []) this.drawWay(pen, way, at);
    }
    for (const [id, place] of whatIf.moved) this.drawMoved(pen, view, id, at(place), at);
    if (whatIf.mode === "hand") {
      for (const place of whatIf.posts.values()) this.drawWish(pen, at(place));
    }
    const held = whatIf.selected !== null && whatIf.handle(whatIf.selected);
    if (held) this.drawRing(pen, view, whatIf.selected, at(held));
    pen.globalAlpha = 1;
  }

  // A way out that stays open.
  drawWay(pen, way, at) {
    pen.globalAlpha = 0.85;
    pen.lineWidth = 4;
    pen.lineJoin = "round";
    pen.strokeStyle = palette.runner;
    pen.setLineDash([10, 6]);
    pen.beginPath();
    for (let i = 0; i < way.length; i += 2) pen.lineTo(...at({ x: way[i], y: way[i + 1] }));
    pen.stroke();
    pen.setLineDash([]);
  }

  drawMoved(pen, view, id, [x, y], at) {
    const car = this.whatIf.fleet.cars.get(id);
    if (!car) return;
    pen.globalAlpha = 0.8;
    pen.setLineDash([2, 5]);
    pen.lineWidth = 2;
    pen.strokeStyle = palette[car.kind];
    pen.beginPath();
    pen.moveTo(...at({ x: car.shownX, y: car.shownY }));
    pen.lineTo(x, y);
    pen.stroke();
    pen.setLineDash([]);
    pen.globalAlpha = 1;
    const sign = glyph(car.kind, false, car.kind === "runner" ? "chased" : car.level, false);
    pen.drawImage(sign, x - GLYPH / 2, y - GLYPH / 2, GLYPH, GLYPH);
    pen.lineWidth = 2;
    pen.strokeStyle = palette.accent;
    pen.setLineDash([4, 3]);
    this.circle(pen, x, y, GLYPH * 0.62);
    pen.setLineDash([]);
  }

  // The post itself stands on the road nearest to this.
  drawWish(pen, [x, y]) {
    pen.globalAlpha = 0.9;
    pen.lineWidth = 2;
    pen.strokeStyle = palette.accent;
    this.circle(pen, x, y, 5);
  }

  drawRing(pen, view, id, [x, y]) {
    pen.globalAlpha = 1;
    pen.lineWidth = 3;
    pen.strokeStyle = palette.accent;
    this.circle(pen, x, y, GLYPH * 0.78);
    if (this.whatIf.traffic.pointed === id) return; // its name is there already
    const plate = label(this.whatIf.fleet.nameOf(id), view.clarity);
    pen.drawImage(
      plate.canvas, Math.round(x - plate.width / 2), Math.round(y + GLYPH * 0.9),
      plate.width, plate.height,
    );
  }

  circle(pen, x, y, radius) {
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.stroke();
  }
}
