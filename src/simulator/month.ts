export type MonthBounds = { readonly fromMs: number; readonly toMs: number };

const hourMs = 3_600_000;
/** No time zone is further from UTC than this. */
const widestOffsetMs = 16 * hourMs;

/**
 * The half-open bounds `[fromMs, toMs)` of a calendar month in a time zone.
 *
 * @example
 * monthBounds('2026-10', 'Europe/Amsterdam') // 2026-09-30T22:00:00Z to 2026-10-31T23:00:00Z
 */
export function monthBounds(month: string, timeZone: string): MonthBounds {
  const parts = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(month);
  if (!parts) throw new RangeError(`A month is written YYYY-MM, not "${month}".`);
  const months = Number(parts[1]) * 12 + Number(parts[2]) - 1;
  const monthAt = localMonth(timeZone);
  return { fromMs: firstInstant(months, monthAt), toMs: firstInstant(months + 1, monthAt) };
}

/** Finds by bisection the first millisecond of the month in the zone's calendar. */
function firstInstant(months: number, monthAt: (instantMs: number) => number): number {
  const utcMidnight = Date.UTC(Math.floor(months / 12), months % 12, 1);
  let before = utcMidnight - widestOffsetMs;
  let reached = utcMidnight + widestOffsetMs;
  while (reached - before > 1) {
    const middle = Math.floor((before + reached) / 2);
    if (monthAt(middle) >= months) reached = middle;
    else before = middle;
  }
  return reached;
}

function localMonth(timeZone: string): (instantMs: number) => number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, year: 'numeric', month: 'numeric' });
  return (instantMs) => {
    const parts = new Map(format.formatToParts(instantMs).map(({ type, value }) => [type, Number(value)]));
    return (parts.get('year') ?? 0) * 12 + (parts.get('month') ?? 0) - 1;
  };
}
