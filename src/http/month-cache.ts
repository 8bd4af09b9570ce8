import type { Context } from '../jobs/context.ts';
import { type MonthFigures, readMonthForPage } from '../jobs/month/month-figures.ts';

/** Keeps the months that were read last, so that a page that is viewed often does not count a month each time. */
export type MonthCache = {
  readonly read: (period: string) => Promise<MonthFigures>;
  /** Makes the next read fresh, after something was changed here. */
  readonly forget: (period: string) => void;
};

type Entry = { readonly figures: Promise<MonthFigures>; freshUntilMs: number };

const freshForMs = 5_000;
/** Counting a month takes at most one part in this many of the time, however long it takes. */
const costFactor = 20;
const maxEntries = 60;

/** Reads one month at a time, on one connection. Concurrent requests for the same month share one read. */
export function createMonthCache(
  context: Context,
  read = readMonthForPage,
  nowMs: () => number = Date.now,
): MonthCache {
  const entries = new Map<string, Entry>();
  let last: Promise<unknown> = Promise.resolve();
  const start = (period: string): Entry => {
    const figures = last.then(async () => {
      const startedAt = nowMs();
      const found = await read(context, period);
      // A closed month does not change.
      entry.freshUntilMs = found.close ? Infinity : nowMs() + Math.max(freshForMs, costFactor * (nowMs() - startedAt));
      return found;
    });
    const entry: Entry = { figures, freshUntilMs: Infinity };
    last = figures.catch(() => {
      if (entries.get(period) === entry) entries.delete(period);
    });
    return entry;
  };
  return {
    read: (period) => {
      const known = entries.get(period);
      if (known && known.freshUntilMs > nowMs()) return known.figures;
      entries.delete(period);
      const entry = start(period);
      entries.set(period, entry);
      const [oldest] = entries.keys();
      if (entries.size > maxEntries && oldest !== undefined) entries.delete(oldest);
      return entry.figures;
    },
    forget: (period) => void entries.delete(period),
  };
}
