// Draws a chart on a canvas; returns its shapes, so that a pointer can ask for their words.
import { gettext } from "../../shared/i18n.js";
import { extent, inFewWords, inWords, moments, roundSteps, scaleOf } from "./scales.js";

const PADDING = { top: 16, right: 16, bottom: 34, left: 60 };
const FONT = '12px system-ui, "Noto Sans KR", "Noto Sans CJK KR", sans-serif';
const COLOURS = {
  light: ["#0b7a70", "#d9822b", "#4063d8", "#b83280", "#5b8c1a", "#8250c4", "#c0392b", "#1888b0", "#8d6e3f", "#5b6965"],
  dark: ["#5fd0c3", "#f0b45a", "#8aa4ff", "#f08cc0", "#a5d468", "#c3a0f5", "#ff8f85", "#6ec6ea", "#d0b283", "#9fb0ab"],
};

/** Draw `data` (see series.js) as `kind`; answer shapes [{has(x, y), text}]. */
export function draw(canvas, kind, data) {
  const surface = prepare(canvas);
  if (kind === "pie") return drawPie(surface, data);
  const legendHeight = data.series.length > 1 ? drawLegend(surface, data.series.map((one) => one.name)) : 0;
  const frame = {
    left: PADDING.left,
    right: surface.width - PADDING.right,
    top: PADDING.top + legendHeight,
    bottom: surface.height - PADDING.bottom,
  };
  const values = data.series.flatMap((one) => one.values);
  const [low, high] = extent(values);
  const steps = roundSteps(kind === "bar" ? Math.min(0, low) : low, kind === "bar" ? Math.max(0, high) : high);
  const y = scaleOf(steps[0], steps.at(-1), frame.bottom, frame.top);
  drawSteps(surface, frame, steps, y);
  return { bar: drawBars, line: drawLines, scatter: drawPoints }[kind](surface, frame, data, y);
}

function prepare(canvas) {
  const style = getComputedStyle(canvas);
  const { clientWidth: width, clientHeight: height } = canvas;
  const density = window.devicePixelRatio || 1;
  canvas.width = width * density;
  canvas.height = height * density;
  const pen = canvas.getContext("2d");
  pen.scale(density, density);
  pen.font = FONT;
  const dark = luminance(style.backgroundColor) < 0.5;
  pen.fillStyle = style.backgroundColor;
  pen.fillRect(0, 0, width, height); // a picture of its own, on whatever it is put
  const palette = dark ? COLOURS.dark : COLOURS.light;
  return {
    pen,
    width,
    height,
    ink: style.color,
    line: dark ? "#2b3634" : "#dde4e0",
    paper: style.backgroundColor,
    colour: (index) => palette[index % palette.length],
  };
}

const luminance = (colour) => {
  const [red, green, blue] = colour.match(/[\d.]+/g).map(Number);
  return (0.3 * red + 0.59 * green + 0.11 * blue) / 255;
};

function drawLegend({ pen, width, ink, colour }, names) {
  let [x, y] = [PADDING.left, 14];
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  names.forEach((name, index) => {
    const needed = pen.measureText(name).width + 34;
    if (x + needed > width && x > PADDING.left) [x, y] = [PADDING.left, y + 20];
    pen.fillStyle = colour(index);
    pen.fillRect(x, y - 5, 10, 10);
    pen.fillStyle = ink;
    pen.fillText(name, x + 16, y);
    x += needed;
  });
  return y + 6;
}

function drawSteps({ pen, ink, line }, frame, steps, y) {
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const step of steps) {
    pen.strokeStyle = line;
    pen.beginPath();
    pen.moveTo(frame.left, y(step));
    pen.lineTo(frame.right, y(step));
    pen.stroke();
    pen.fillStyle = ink;
    pen.fillText(inFewWords(step), frame.left - 8, y(step));
  }
}

function writeBelow({ pen, ink }, frame, x, text) {
  pen.fillStyle = ink;
  pen.textBaseline = "top";
  pen.textAlign = "center";
  pen.fillText(shortened(text, 18), x, frame.bottom + 8);
}

const shortened = (text, length) =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;

/** Write under every nth place, so that words do not run into each other. */
function writeNames(surface, frame, labels, x) {
  const room = Math.max(...labels.map((text) => surface.pen.measureText(shortened(text, 18)).width)) + 14;
  const every = Math.max(1, Math.ceil((room * labels.length) / (frame.right - frame.left)));
  labels.forEach((text, index) => {
    if (index % every === 0) writeBelow(surface, frame, x(index), text);
  });
}

function drawBars(surface, frame, data, y) {
  const { pen, colour } = surface;
  const { labels } = data.x;
  const slot = (frame.right - frame.left) / Math.max(1, labels.length);
  const wide = Math.min(48, (slot * 0.8) / data.series.length);
  const centre = (index) => frame.left + slot * (index + 0.5);
  if (labels.length) writeNames(surface, frame, labels, centre);
  return data.series.flatMap((one, at) => {
    pen.fillStyle = colour(at);
    return one.values.flatMap((value, index) => {
      if (value === null) return [];
      const left = centre(index) + (at - data.series.length / 2) * wide;
      const [top, bottom] = [Math.min(y(value), y(0)), Math.max(y(value), y(0))];
      pen.fillRect(left, top, Math.max(1, wide - 1), Math.max(1, bottom - top));
      return {
        text: `${labels[index]} · ${one.name}: ${inWords(value)}`,
        has: (px, py) => px >= left && px <= left + wide && py >= top - 3 && py <= bottom + 3,
      };
    });
  });
}

/** The x axis of lines and points: names, numbers or moments. */
function across(surface, frame, axis) {
  if (axis.type === "names") {
    const x = scaleOf(0, Math.max(1, axis.labels.length - 1), frame.left + 8, frame.right - 8);
    if (axis.labels.length) writeNames(surface, frame, axis.labels, x);
    return x;
  }
  const wanted = Math.max(2, Math.floor((frame.right - frame.left) / 140));
  let [low, high] = extent(axis.values);
  if (axis.type === "numbers") {
    const steps = roundSteps(low, high, wanted);
    const x = scaleOf(steps[0], steps.at(-1), frame.left + 8, frame.right - 8);
    for (const step of steps) writeBelow(surface, frame, x(step), inFewWords(step));
    return x;
  }
  const x = scaleOf(low, high, frame.left + 30, frame.right - 30);
  for (const { value, text } of moments(low, high, wanted)) writeBelow(surface, frame, x(value), text);
  return x;
}

function drawLines(surface, frame, data, y) {
  const { pen, colour } = surface;
  const x = across(surface, frame, data.x);
  const order = data.x.values.map((_, index) => index).sort((a, b) => data.x.values[a] - data.x.values[b]);
  return data.series.flatMap((one, at) => {
    pen.strokeStyle = colour(at);
    pen.lineWidth = 2;
    pen.lineJoin = "round";
    pen.beginPath();
    let drawing = false;
    for (const index of order) {
      const value = one.values[index];
      if (value === null) {
        drawing = false;
        continue;
      }
      pen[drawing ? "lineTo" : "moveTo"](x(data.x.values[index]), y(value));
      drawing = true;
    }
    pen.stroke();
    return spots(surface, data, one, at, x, y, order.length > 60 ? 0 : 3);
  });
}

function drawPoints(surface, frame, data, y) {
  const x = across(surface, frame, data.x);
  return data.series.flatMap((one, at) => spots(surface, data, one, at, x, y, 4));
}

function spots({ pen, colour }, data, one, at, x, y, radius) {
  pen.fillStyle = colour(at);
  return one.values.flatMap((value, index) => {
    const place = data.x.values[index];
    if (value === null || place === null) return [];
    const [cx, cy] = [x(place), y(value)];
    if (radius) {
      pen.beginPath();
      pen.arc(cx, cy, radius, 0, 2 * Math.PI);
      pen.fill();
    }
    return {
      text: `${data.x.labels[index]} · ${one.name}: ${inWords(value)}`,
      has: (px, py) => Math.hypot(px - cx, py - cy) < 8,
    };
  });
}

function drawPie({ pen, width, height, ink, paper, colour }, { slices, total, rest }) {
  const others = rest.reduce((sum, slice) => sum + slice.value, 0);
  const all = rest.length ? [...slices, { label: gettext("Others"), value: others }] : slices;
  const narrow = width < 520;
  const lineHeight = 20;
  const legendHeight = narrow ? all.length * lineHeight + 12 : 0;
  const radius = Math.max(10, Math.min(narrow ? width / 2 : width / 4, (height - legendHeight) / 2) - 16);
  const [cx, cy] = [narrow ? width / 2 : width * 0.3, (height - legendHeight) / 2];
  let turned = -Math.PI / 2;
  const shapes = all.map((slice, index) => {
    const [from, to] = [turned, turned + (slice.value / total) * 2 * Math.PI];
    turned = to;
    pen.beginPath();
    pen.moveTo(cx, cy);
    pen.arc(cx, cy, radius, from, to);
    pen.closePath();
    pen.fillStyle = colour(index);
    pen.fill();
    pen.strokeStyle = paper;
    pen.lineWidth = 2;
    if (all.length > 1) pen.stroke(); // nothing to part one from
    const share = `${inWords(Math.round((slice.value / total) * 1000) / 10)} %`;
    return {
      text: `${slice.label}: ${inWords(slice.value)} (${share})`,
      has: (px, py) => {
        const angle = Math.atan2(py - cy, px - cx);
        const turn = angle < -Math.PI / 2 ? angle + 2 * Math.PI : angle;
        return Math.hypot(px - cx, py - cy) <= radius && turn >= from && turn < to;
      },
    };
  });
  const left = narrow ? 16 : width * 0.58;
  const top = narrow ? height - legendHeight + 12 : cy - (all.length * lineHeight) / 2 + 10;
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  shapes.forEach((shape, index) => {
    const y = top + index * lineHeight;
    pen.fillStyle = colour(index);
    pen.fillRect(left, y - 5, 10, 10);
    pen.fillStyle = ink;
    pen.fillText(shortened(shape.text, narrow ? 44 : 48), left + 16, y);
  });
  return shapes;
}
