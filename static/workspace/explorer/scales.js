// Axes: round steps, positions, words for numbers and moments.

const language = document.documentElement.lang || "en";
const short = new Intl.NumberFormat(language, { maximumFractionDigits: 6 });
const compact = new Intl.NumberFormat(language, {
  notation: "compact",
  maximumFractionDigits: 2,
});

export const inWords = (value) => short.format(value);
export const inFewWords = (value) =>
  Math.abs(value) >= 10_000 ? compact.format(value) : short.format(value);

/** About `wanted` round values that enclose all given ones. */
export function roundSteps(low, high, wanted = 5) {
  if (low === high) [low, high] = low === 0 ? [0, 1] : [Math.min(0, low), Math.max(0, high)];
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.floor(low / step);
  const last = Math.ceil(high / step);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

/** A function from values to places between two, and its reach. */
export function scaleOf(low, high, from, to) {
  const span = high - low || 1;
  return (value) => from + ((value - low) / span) * (to - from);
}

export function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value === null) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low > high ? [0, 1] : [low, high];
}

const DAY = 86_400_000;

export function moments(low, high, wanted) {
  const options =
    high - low > 3 * DAY
      ? { year: "2-digit", month: "numeric", day: "numeric" }
      : { month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit" };
  const words = new Intl.DateTimeFormat(language, { ...options, timeZone: "UTC" });
  const count = Math.max(1, wanted);
  return Array.from({ length: count + 1 }, (_, index) => {
    const value = low + ((high - low) * index) / count;
    return { value, text: words.format(value) };
  });
}
