import { expect, test } from 'vitest';
import { monthBounds, nextPeriod } from '../../../src/domain/billing-month.ts';
import { createTestContext } from '../../support/books.ts';
import { bookkeeper, closeOrFail } from '../../support/closing.ts';
import { scan, scanTask } from '../../support/facts.ts';
import { noEarlierThan } from '../../support/instants.ts';

const cases: [what: string, timeZone: string, period: string, hours: number][] = [
  ['the month in which the clock is put forward', 'Europe/Amsterdam', '2026-03', 743],
  ['the month in which the clock is put back', 'Europe/Amsterdam', '2026-10', 745],
  ['a February of 29 days', 'Europe/Amsterdam', '2028-02', 696],
  ['the clock put back across the end of the month', 'Pacific/Auckland', '2026-04', 721],
  ['half an hour beside the others', 'America/St_Johns', '2026-11', 721],
];

test.each(cases)('%s (%s, %s): each instant is in exactly one month', async (_, timeZone, period, hours) => {
  const plain = await createTestContext({ environment: { BILLING_TIME_ZONE: timeZone } });
  const context = { ...plain, now: noEarlierThan('2029-01-01T00:00:00Z') };
  const { start, end } = monthBounds(period, timeZone);
  expect((end.getTime() - start.getTime()) / 3_600_000).toBe(hours);
  const look = bookkeeper(context);
  const at = (edge: Date, ms: number) => new Date(edge.getTime() + ms);
  const instants = { before: at(start, -1), first: start, second: at(start, 1), last: at(end, -1), after: end };
  for (const [id, instant] of Object.entries(instants))
    await look(id, {
      createdAt: at(instant, -60_000),
      completedAt: instant,
      expiresAt: null,
      tasks: [scanTask([scan(instant.toISOString(), null)])],
    });
  const previous = new Date(start.getTime() - 86_400_000 * 10).toISOString().slice(0, 7);
  const months = [previous, period, nextPeriod(period)];
  for (const month of months) await closeOrFail(context, month);
  const rows = await context.db.kysely
    .selectFrom('closed_lines')
    .select(['period', 'transaction_id'])
    .orderBy('period')
    .orderBy('attempted_at')
    .execute();
  expect(rows.map((row) => [row.period, row.transaction_id])).toEqual([
    [previous, 'before'],
    [period, 'first'],
    [period, 'second'],
    [period, 'last'],
    [nextPeriod(period), 'after'],
  ]);
});
