// Sizes and moments in words.
import { gettext } from "../shared/i18n.js";

const UNITS = ["B", "KB", "MB", "GB", "TB"];
const language = document.documentElement.lang;
const moments = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

export function size(bytes) {
  let unit = 0;
  let amount = bytes;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  const digits = unit && amount < 100 ? 1 : 0;
  const number = amount.toLocaleString(language, { maximumFractionDigits: digits });
  return `${number} ${UNITS[unit]}`;
}

export const moment = (text) => moments.format(new Date(text));

/** Seconds as somebody would say them. */
export function duration(seconds) {
  if (seconds < 60) return gettext("less than a minute");
  const format = new Intl.NumberFormat(language, { style: "unit", unit: "minute" });
  return format.format(Math.ceil(seconds / 60));
}
