// Days and half hours on the wall clock of the place of business.

const language = document.documentElement.lang || undefined;
export const SLOT = 30; // minutes

const two = (number) => String(number).padStart(2, "0");
export const minutesOf = (text) => {
  const [hours, minutes] = text.split(":").map(Number);
  return hours * 60 + minutes;
};
export const clockOf = (minutes) => `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;

/** The end of a stay in minutes of its day: midnight is the day's last moment. */
export const endOf = ({ endTime }) => minutesOf(endTime) || 24 * 60;
export const startOf = ({ startTime }) => minutesOf(startTime);

const asDate = (day) => new Date(`${day}T00:00:00Z`);
export const addDays = (day, count) => {
  const date = asDate(day);
  date.setUTCDate(date.getUTCDate() + count);
  return date.toISOString().slice(0, 10);
};

const formats = {};
const format = (name, options) =>
  (formats[name] ??= new Intl.DateTimeFormat(language, { timeZone: "UTC", ...options }));
export const weekday = (day) => format("weekday", { weekday: "short" }).format(asDate(day));
export const dayOfMonth = (day) => String(asDate(day).getUTCDate());
export const isWeekend = (day) => [0, 6].includes(asDate(day).getUTCDay());
export const longDay = (day) =>
  format("long", { weekday: "long", month: "long", day: "numeric" }).format(asDate(day));
const SHORT = { weekday: "short", month: "short", day: "numeric" };
/** The year only where it is another than this one. */
export const shortDay = (day) =>
  day.startsWith(`${new Date().getFullYear()}-`)
    ? format("short", SHORT).format(asDate(day))
    : format("short of a year", { ...SHORT, year: "numeric" }).format(asDate(day));

/** The business clock: today's date and the minutes since midnight there. */
export class Clock {
  constructor(zone) {
    this.parts = new Intl.DateTimeFormat("en-CA", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric", month: "2-digit", day: "2-digit",
      hour: "2-digit", minute: "2-digit", second: "2-digit",
    });
    this.moment = new Intl.DateTimeFormat(language, {
      timeZone: zone,
      month: "short", day: "numeric",
      hour: "2-digit", minute: "2-digit", hourCycle: "h23",
    });
  }

  now(at = Date.now()) {
    const found = {};
    for (const { type, value } of this.parts.formatToParts(at)) found[type] = value;
    return {
      day: `${found.year}-${found.month}-${found.day}`,
      minutes: Number(found.hour) * 60 + Number(found.minute) + Number(found.second) / 60,
    };
  }

  when(iso) {
    return this.moment.format(new Date(iso));
  }
}
