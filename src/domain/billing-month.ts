/** A half-open span of time `[start, end)`. */
export type Span = { readonly start: Date; readonly end: Date };

const periodPattern = /^(\d{4})-(0[1-9]|1[0-2])$/;
const datePattern = /^(\d{4})-(\d{2})-(\d{2})$/;

/** Whether `text` is a month `YYYY-MM` between 2000 and 2999. */
export function isPeriod(text: string): boolean {
  return periodPattern.test(text) && text.startsWith('2');
}

/** Whether `text` is a day that exists, as `YYYY-MM-DD`. */
export function isCalendarDate(text: string): boolean {
  const match = datePattern.exec(text);
  if (!match || Number(match[1]) < 1000) return false;
  const midnight = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(text);
}

/** The day after `YYYY-MM-DD`. */
export const nextDay = (date: string): string => dateOf(Date.parse(`${date}T00:00:00Z`) + 86_400_000);

/** The bounds of a month `YYYY-MM` in an IANA time zone. */
export function monthBounds(period: string, timeZone: string): Span {
  if (!isPeriod(period)) throw new RangeError(`not a month: ${period}`);
  return { start: startOfDay(`${period}-01`, timeZone), end: startOfDay(`${nextPeriod(period)}-01`, timeZone) };
}

/** A span for people: `2026-10-01T00:00:00Z to before 2026-11-01T00:00:00Z`. */
export const spanText = ({ start, end }: Span): string => `${instantText(start)} to before ${instantText(end)}`;
const instantText = (at: Date): string => at.toISOString().replace('.000Z', 'Z');

/** The month after `YYYY-MM`. */
export function nextPeriod(period: string): string {
  const year = Number(period.slice(0, 4));
  const month = Number(period.slice(5));
  return month === 12 ? `${year + 1}-01` : `${year}-${String(month + 1).padStart(2, '0')}`;
}

/** The month before `YYYY-MM`. */
export function previousPeriod(period: string): string {
  const year = Number(period.slice(0, 4));
  const month = Number(period.slice(5));
  return month === 1 ? `${year - 1}-12` : `${year}-${String(month - 1).padStart(2, '0')}`;
}

/** All months from `first` to `last`, both included, in order. */
export function periodsBetween(first: string, last: string): string[] {
  const periods: string[] = [];
  for (let period = first; period <= last; period = nextPeriod(period)) periods.push(period);
  return periods;
}

/** The month `YYYY-MM` an instant belongs to. */
export function periodOf(instant: Date, timeZone: string): string {
  return localDateOf(instant, timeZone).slice(0, 7);
}

const dateOf = (localMs: number): string => new Date(localMs).toISOString().slice(0, 10);

/** The day `YYYY-MM-DD` an instant belongs to. */
export function localDateOf(instant: Date, timeZone: string): string {
  const localMs = localMillis(instant.getTime(), timeZone);
  // If the clock is set back across midnight, the local date repeats the previous day for a while. That day is over.
  const next = dateOf(localMs + 86_400_000);
  return instant >= startOfDay(next, timeZone) ? next : dateOf(localMs);
}

/**
 * The first instant of a day in a time zone. If the clock skips midnight, that is the first instant after the gap; if
 * midnight occurs twice, it is the first occurrence.
 */
export function startOfDay(date: string, timeZone: string): Date {
  const key = `${date} ${timeZone}`;
  const known = daysByKey.get(key);
  if (known !== undefined) return new Date(known);
  const start = computeStartOfDay(date, timeZone);
  // Rules and prices begin on few days, but every attempt asks for them.
  if (daysByKey.size < 10_000) daysByKey.set(key, start.getTime());
  return start;
}

const daysByKey = new Map<string, number>();

function computeStartOfDay(date: string, timeZone: string): Date {
  if (!isCalendarDate(date)) throw new RangeError(`not a date: ${date}`);
  const local = Date.parse(`${date}T00:00:00Z`);
  const halfDayMs = 12 * 3_600_000;
  // All offsets in use around that day. Midnight is local − offset for one of them, or lies in a gap between two of
  // them.
  const offsets = [-2, -1, 0, 1, 2].map((step) => {
    const guess = local + step * halfDayMs;
    return localMillis(guess, timeZone) - guess;
  });
  const candidates = offsets.map((offset) => local - offset).sort((a, b) => a - b);
  const exact = candidates.find((candidate) => localMillis(candidate, timeZone) === local);
  if (exact !== undefined) return new Date(exact);
  return new Date(firstAtOrAfter(local, timeZone, candidates[0] ?? local, candidates.at(-1) ?? local));
}

/**
 * The instant at which a clock in a time zone shows a time, given as milliseconds since the epoch had that clock been
 * UTC's. Where the clock is put back and shows it twice, the earlier one.
 *
 * @returns `undefined` where the clock is put forward and never shows it.
 */
export function instantOfClock(localMs: number, timeZone: string): Date | undefined {
  const offsets = [-86_400_000, 86_400_000].map((step) => localMillis(localMs + step, timeZone) - (localMs + step));
  const candidates = offsets.map((offset) => localMs - offset).sort((a, b) => a - b);
  const instant = candidates.find((candidate) => localMillis(candidate, timeZone) === localMs);
  return instant === undefined ? undefined : new Date(instant);
}

/** Finds the end of a gap in the local clock by bisection between an instant before the gap and one after it. */
function firstAtOrAfter(local: number, timeZone: string, before: number, after: number): number {
  let [low, high] = [before - 1, after];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (localMillis(middle, timeZone) >= local) high = middle;
    else low = middle;
  }
  return high;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** The local wall clock at an instant, in milliseconds since the epoch as if that clock were UTC. */
function localMillis(instantMs: number, timeZone: string): number {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(timeZone, format);
  }
  const parts: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(instantMs)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  const subSecondMs = ((instantMs % 1000) + 1000) % 1000;
  return Date.UTC(year, month - 1, day, hour, minute, second) + subSecondMs;
}

/** Whether the runtime knows an IANA time zone by this name. */
export function isTimeZone(name: string): boolean {
  // Intl also accepts offsets such as +02:00, but an offset has no daylight saving time.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
