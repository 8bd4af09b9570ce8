import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { currentTables, tablesAsOf } from '../../../src/db/tables-as-of.ts';
import { periodCloses } from '../../../src/db/period-closes.ts';
import { attemptGroups } from '../../../src/db/report-rows.ts';
import { type Price, type PriceList } from '../../../src/domain/prices.ts';
import { type AttemptGroup, reportLines } from '../../../src/domain/report-lines.ts';
import { openLines } from '../../../src/jobs/month/open-lines.ts';
import { openTotals } from '../../../src/jobs/month/totals.ts';
import { withAttempts } from '../../support/attempts.ts';
import { createTestContext } from '../../support/books.ts';
import { bookkeeper, closeOrFail } from '../../support/closing.ts';
import { faceTask, scan, scanTask } from '../../support/facts.ts';
import { noEarlierThan } from '../../support/instants.ts';

const price = (taskType: string, level: string | null, of: Partial<Price> & { unitPrice?: bigint } = {}): Price =>
  ({
    taskType,
    level,
    effectiveFrom: '2026-01-01',
    effectiveTo: null,
    freeAllowance: 0n,
    model: 'flat',
    unitPrice: 850_000n,
    ...of,
  }) as Price;

const tiers = [
  { upTo: 1n, unitPrice: 900_000n },
  { upTo: null, unitPrice: 400_000n },
];

const lists: Record<string, { readonly prices: readonly Price[]; readonly isCountedAlready: boolean } | null> = {
  'no prices': null,
  'flat prices by level, one task without a price': {
    prices: [
      price('document_scan', 'advanced'),
      price('document_scan', null, { unitPrice: 1n }),
      price('face_match', null),
    ],
    isCountedAlready: true,
  },
  'prices that change within the month': {
    prices: [
      price('document_scan', null, { effectiveTo: '2026-10-06' }),
      price('document_scan', null, { effectiveFrom: '2026-10-06', unitPrice: 700_000n }),
    ],
    isCountedAlready: true,
  },
  'prices by volume': {
    prices: [price('document_scan', null, { model: 'volume', tiers }), price('face_liveness', null)],
    isCountedAlready: true,
  },
  'graduated prices': {
    prices: [price('document_scan', null, { model: 'graduated', tiers }), price('face_match', null)],
    isCountedAlready: false,
  },
  'a free allowance': { prices: [price('document_scan', null, { freeAllowance: 1n })], isCountedAlready: false },
};

describe('what a month adds up to', () => {
  test.each(Object.entries(lists))(
    'is the sum of its lines with %s, now and as of an earlier instant',
    async (_, of) => {
      const context = await withAttempts();
      const { kysely } = context.db;
      const list: PriceList | undefined = of
        ? { version: 'v', currency: 'EUR', minorDigits: 2, source: 'a test', monthlyMinimums: [], prices: of.prices }
        : undefined;
      const { rows } = await sql<{ at: Date }>`select clock_timestamp() + interval '1 millisecond' as at`.execute(
        kysely,
      );
      const { at } = rows[0]!;
      for (const moment of [
        { tables: currentTables, asOf: null },
        { tables: tablesAsOf(at), asOf: at },
      ]) {
        const scope = { period: '2026-10', timeZone: 'UTC', priceList: list, closes: [], ...moment };
        const source = await openLines(kysely, scope);
        expect(source.uncounted === null).toBe(of?.isCountedAlready ?? true);
        const { lines } = await openTotals(kysely, source, scope);
        expect(lines.totals.attempts).toBe(7n);
        const summed: AttemptGroup[] = await attemptGroups(kysely, source.lines);
        expect(lines).toEqual(reportLines(summed, { minorDigits: list?.minorDigits }));
      }
    },
  );

  test('has the corrections of closed months beside what is its own', async () => {
    const context = { ...(await createTestContext()), now: noEarlierThan('2027-01-01T00:00:00Z') };
    const { kysely } = context.db;
    const look = bookkeeper(context);
    await look('t-1', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', null)])] });
    await closeOrFail(context, '2026-10');
    await look('t-1', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', null)]), faceTask('face_match')] });
    const november = { createdAt: new Date('2026-11-01T09:00:00Z'), completedAt: new Date('2026-11-01T10:00:00Z') };
    await look('t-2', { ...november, tasks: [scanTask([scan('2026-11-02T10:05:00Z', null)])] });
    const scope = { period: '2026-11', timeZone: 'UTC', priceList: context.prices?.content };
    const closes = await periodCloses(kysely);
    const source = await openLines(kysely, { ...scope, closes, tables: currentTables, asOf: null });
    expect(source.counted.map(({ attempts, correctsPeriod }) => [attempts, correctsPeriod])).toEqual([[1n, null]]);
    const { lines } = await openTotals(kysely, source, scope);
    expect(lines.summary.map(({ correctsPeriod, taskType }) => [correctsPeriod, taskType])).toEqual([
      [null, 'document_scan'],
      ['2026-10', 'face_match'],
    ]);
    const summed = await attemptGroups(kysely, source.lines);
    expect(lines).toEqual(reportLines(summed, { minorDigits: 2 }));
  });
});
