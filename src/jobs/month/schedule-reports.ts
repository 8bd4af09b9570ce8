import { firstAttemptAt, monthsWithAttempts } from '../../db/report-rows.ts';
import { periodCloses } from '../../db/period-closes.ts';
import { reportRuns, requestReport } from '../../db/report-runs.ts';
import { localDateOf, monthBounds, periodOf, periodsBetween, startOfDay } from '../../domain/billing-month.ts';
import type { Context } from '../context.ts';

const dayMs = 86_400_000;
/** A transaction lives for at most a day and is settled soon after. Two days after its end, a month is complete. */
const afterEndMs = 2 * dayMs;

/**
 * Requests the reports that are due: one a day for every open month with attempts, until two days after its end.
 * Postgres records the runs, so one that was missed during an outage is made up.
 *
 * @returns the months requested.
 */
export async function scheduleReports({ db, config, now }: Context): Promise<string[]> {
  const { billingTimeZone: timeZone } = config;
  const first = await firstAttemptAt(db.kysely);
  if (!first) return [];
  const instant = now();
  const today = startOfDay(localDateOf(instant, timeZone), timeZone);
  const runs = new Map((await reportRuns(db.kysely)).map((run) => [run.period, run]));
  const closedUpTo = (await periodCloses(db.kysely)).at(-1)?.period ?? '';
  const due = periodsBetween(periodOf(first, timeZone), periodOf(instant, timeZone))
    .filter((period) => period > closedUpTo)
    .map((period) => ({ period, ...monthBounds(period, timeZone) }))
    .filter(({ period, end }) => {
      const run = runs.get(period);
      const lastSlot = Math.min(today.getTime(), end.getTime() + afterEndMs);
      const lastTriedMs = Math.max(run?.finishedAt?.getTime() ?? 0, run?.lastFailedAt?.getTime() ?? 0);
      return !run?.dueAt && lastTriedMs < lastSlot;
    });
  const periods = (await monthsWithAttempts(db.kysely, due)).map(({ period }) => period);
  for (const period of periods) await requestReport(db.kysely, period, 'schedule', 0);
  return periods;
}
