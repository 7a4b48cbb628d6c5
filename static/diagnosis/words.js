// The words and times of the clinic; days and clocks are Seoul's.
import { fill, gettext } from "../shared/i18n.js";

const language = document.documentElement.lang || undefined;

export const testName = (type) =>
  ({
    BALANCEBALL: gettext("Balance ball"),
    FITBOX: gettext("Fit box"),
    TENNISBALL: gettext("Tennis ball"),
  })[type] ?? type;

export const testTitle = ({ type, level }) =>
  fill(gettext("%(test)s, level %(level)s"), { test: testName(type), level });

export const stateName = (state) =>
  ({
    READY: gettext("waits for the headset"),
    STARTED: gettext("running"),
    CANCELLED: gettext("cancelled"),
    FAILED: gettext("failed"),
    COMPLETED: gettext("completed"),
    EXPIRED: gettext("expired"),
  })[state] ?? state;

export const STATE_BADGE = {
  READY: "warn",
  STARTED: "live",
  CANCELLED: "idle",
  FAILED: "bad",
  COMPLETED: "good",
  EXPIRED: "idle",
};

export const isLive = ({ state }) => state === "READY" || state === "STARTED";

const seoul = (options) =>
  new Intl.DateTimeFormat(language, { timeZone: "Asia/Seoul", ...options });
const FORMATS = {
  day: seoul({ year: "numeric", month: "short", day: "numeric" }),
  moment: seoul({ dateStyle: "medium", timeStyle: "short" }),
  clock: seoul({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
  second: seoul({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
};
export const written = (kind, timestamp) => FORMATS[kind].format(new Date(timestamp));

/** The names of months and weekdays, as uPlot wants them. */
const named = (count, kind, style) =>
  Array.from({ length: count }, (_, n) =>
    // January 2023 began on a Sunday, as uPlot's weeks do.
    new Intl.DateTimeFormat(language, { timeZone: "UTC", [kind]: style }).format(
      kind === "month" ? Date.UTC(2023, n) : Date.UTC(2023, 0, n + 1),
    ),
  );
export const DATE_NAMES = {
  MMMM: named(12, "month", "long"),
  MMM: named(12, "month", "short"),
  WWWW: named(7, "weekday", "long"),
  WWW: named(7, "weekday", "short"),
};

const ISO_DAY = new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Seoul" });
export const isoDay = (date) => ISO_DAY.format(date);

/** Minutes and seconds of a span in milliseconds, not below zero. */
export function countdown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export const twoDecimals = new Intl.NumberFormat(language, {
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
}).format;
