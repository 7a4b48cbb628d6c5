// What all plots share: axes in the colours of the theme, and their width.
import { colour } from "../shared/colours.js";

export function axes(unit = "") {
  const ink = colour("ink-soft");
  const line = colour("line");
  const common = {
    stroke: ink,
    font: "12px system-ui, sans-serif",
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1, size: 5 },
  };
  const withUnit = (u, values) => values.map((value) => `${value}${unit}`);
  return [
    { ...common, space: 60, ...(unit ? { values: withUnit } : {}) },
    { ...common, size: 54 },
  ];
}

export const widthOf = (box) => Math.max(200, Math.floor(box.clientWidth));

/** Keep plots as wide as their boxes; `plots()` gives them as {plot, box}. */
export function keepWidths(root, plots) {
  new ResizeObserver(() => {
    for (const { plot, box } of plots()) {
      const width = widthOf(box);
      if (width !== plot.width) plot.setSize({ width, height: plot.height });
    }
  }).observe(root);
}
