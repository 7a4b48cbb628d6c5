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
