import type { Queries } from '../../db/database.ts';
import { pendingWork } from '../../db/obligations.ts';
import { periodCloses } from '../../db/period-closes.ts';
import { firstAttemptAt } from '../../db/report-rows.ts';
import { recheckedMonths, recheckNext, underRecheck } from '../../db/settled-rechecks.ts';
import { monthBounds, periodOf, periodsBetween, previousPeriod } from '../../domain/billing-month.ts';
import type { Context } from '../context.ts';

/** A transaction that was fetched in the days before its month is rechecked is not fetched again. */
const freshMs = 7 * 86_400_000;
const batchSize = 1_000;
/** New work has priority: no rechecks are added while this many fetches are due. */
const mostDue = 5_000;

/**
 * Once a month has ended, fetches all of its settled transactions again that were not fetched in the last seven days.
 * The vendor may have changed something without an event, and this finds it before the month is closed. Done once per
 * month.
 *
 * @returns how many became due.
 */
export async function recheckSettled({ db, config, now }: Context, signal?: AbortSignal): Promise<number> {
  if (!config.recheckSettled) return 0;
  const { kysely } = db;
  let due = 0;
  for (const period of await endedMonths({ db, config, now })) {
    const month = monthBounds(period, config.billingTimeZone);
    for (;;) {
      const { dueNow } = await pendingWork(kysely, ['result']);
      if (signal?.aborted || dueNow >= mostDue) return due;
      const next = await recheckNext(kysely, period, month, staleBefore(now()), batchSize);
      due += next?.due ?? 0;
      if (!next?.isMore) break;
    }
  }
  return due;
}

const staleBefore = (now: Date): Date => new Date(now.getTime() - freshMs);

/** How many settled transactions of a month are still to be fetched again. They do not block the close. */
export async function outstandingRechecks(
  { config, now }: Pick<Context, 'config' | 'now'>,
  queries: Queries,
  period: string,
): Promise<number> {
  if (!config.recheckSettled) return 0;
  const month = monthBounds(period, config.billingTimeZone);
  return underRecheck(queries, period, month, now() >= month.end ? staleBefore(now()) : null);
}

/** The same number in words; `null` if it is 0. */
export function outstandingText(rechecks: number): string | null {
  if (rechecks === 0) return null;
  const are = rechecks === 1 ? 'transaction is' : 'transactions are';
  return `${rechecks} settled ${are} still to be fetched again, in case the vendor changed something. Let the workers run first. If you close now, later changes become corrections.`;
}

/** Open months that have ended and are not rechecked yet. */
async function endedMonths({ db, config, now }: Pick<Context, 'db' | 'config' | 'now'>): Promise<string[]> {
  const { billingTimeZone: timeZone } = config;
  const first = await firstAttemptAt(db.kysely);
  if (!first) return [];
  const done = await recheckedMonths(db.kysely);
  const closedUpTo = (await periodCloses(db.kysely)).at(-1)?.period ?? '';
  return periodsBetween(periodOf(first, timeZone), previousPeriod(periodOf(now(), timeZone))).filter(
    (period) => period > closedUpTo && !done.has(period),
  );
}
