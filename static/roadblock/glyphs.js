// The signs cars are drawn with, made once and stamped many times. Police are
// rounded arrows, runners are diamonds: the shape tells, the colour only helps.
import { palette } from "./palette.js";

export const GLYPH = 30; // pixels, at the normal size
const DETAIL = 3; // drawn larger than shown, to stay sharp when turned
const MIDDLE = GLYPH / 2;

const glyphs = new Map();
const labels = new Map();

export function forgetGlyphs() {
  glyphs.clear();
  labels.clear();
}

function sheet(width, height, clarity) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(width * clarity);
  canvas.height = Math.ceil(height * clarity);
  const pen = canvas.getContext("2d");
  pen.scale(clarity, clarity);
  return [canvas, pen];
}

// All outlines point east, the direction of angle zero.
const outlines = {
  arrow(pen) {
    pen.moveTo(11.5, 0);
    pen.lineTo(-8.5, 8.6);
    pen.lineTo(-4.6, 0);
    pen.lineTo(-8.5, -8.6);
  },
  disc(pen) {
    pen.arc(0, 0, 7, 0, 2 * Math.PI);
  },
  diamond(pen) {
    pen.moveTo(9.5, 0);
    pen.lineTo(0, 9.5);
    pen.lineTo(-9.5, 0);
    pen.lineTo(0, -9.5);
  },
  kite(pen) {
    pen.moveTo(12.5, 0);
    pen.lineTo(0, 8.6);
    pen.lineTo(-8.6, 0);
    pen.lineTo(0, -8.6);
  },
};

const marks = {
  half_destroyed(pen) {
    pen.fillStyle = palette.damage;
    pen.beginPath();
    pen.arc(-1.5, 0, 2.8, 0, 2 * Math.PI);
    pen.fill();
  },
  complete_destroyed(pen) {
    pen.beginPath();
    for (const side of [-1, 1]) {
      pen.moveTo(-4.5, -3 * side);
      pen.lineTo(1.5, 3 * side);
    }
    pen.stroke();
  },
  caught(pen) {
    pen.beginPath();
    pen.moveTo(-3.5, 0);
    pen.lineTo(-1, 3);
    pen.lineTo(4, -3);
    pen.stroke();
  },
  chased(pen) {
    pen.beginPath();
    pen.arc(0, 0, 2.4, 0, 2 * Math.PI);
    pen.fill();
  },
};

/** The sign of a car; mark is its damage or its standing in a chase. */
export function glyph(kind, headed, mark, silent) {
  const key = `${kind} ${headed} ${mark} ${silent}`;
  let canvas = glyphs.get(key);
  if (canvas) return canvas;
  let pen;
  [canvas, pen] = sheet(GLYPH, GLYPH, DETAIL);
  const shape =
    kind === "runner" ? (headed ? "kite" : "diamond") : headed ? "arrow" : "disc";
  pen.translate(MIDDLE, MIDDLE);
  pen.lineJoin = "round";
  pen.lineCap = "round";
  pen.beginPath();
  outlines[shape](pen);
  pen.closePath();
  pen.lineWidth = 5;
  pen.strokeStyle = palette.halo;
  pen.stroke();
  const faded = silent || mark === "caught" || mark === "complete_destroyed";
  pen.fillStyle = faded ? palette.silent : palette[kind];
  pen.strokeStyle = pen.fillStyle;
  pen.lineWidth = 2;
  pen.stroke();
  pen.fill();
  pen.strokeStyle = palette.halo;
  pen.fillStyle = palette.halo;
  pen.lineWidth = 2.2;
  marks[mark]?.(pen);
  glyphs.set(key, canvas);
  return canvas;
}

/** A name on a small plate; width and height in pixels of the page. */
export function label(name, clarity) {
  let made = labels.get(name);
  if (made) return made;
  if (labels.size > 1500) labels.clear();
  const font = `600 12px ${getComputedStyle(document.body).fontFamily}`;
  const [, ruler] = sheet(1, 1, 1);
  ruler.font = font;
  const width = Math.ceil(ruler.measureText(name).width) + 12;
  const height = 20;
  const [canvas, pen] = sheet(width, height, clarity);
  pen.globalAlpha = 0.88;
  pen.fillStyle = palette.label;
  pen.beginPath();
  pen.roundRect(0, 0, width, height, 6);
  pen.fill();
  pen.globalAlpha = 1;
  pen.font = font;
  pen.fillStyle = palette["label-ink"];
  pen.textBaseline = "middle";
  pen.fillText(name, 6, height / 2 + 1);
  made = { canvas, width, height };
  labels.set(name, made);
  return made;
}
