// The colours of dashboard.css, renewed with the theme.
import { colour, onThemeChange as whenThemeChanges } from "../shared/colours.js";

const NAMES = [
  "ground", "grid", "road", "road-edge", "police", "runner", "halo", "silent",
  "damage", "heat", "label", "label-ink", "accent",
];

export const palette = {};

function read() {
  for (const name of NAMES) palette[name] = colour(name);
}

read();

export function onThemeChange(callback) {
  whenThemeChanges(() => {
    read();
    callback();
  });
}
