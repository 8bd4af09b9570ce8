import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ScanFacts } from '../../src/domain/facts.ts';
import type { PriceList } from '../../src/domain/prices.ts';
import type { Context } from '../../src/jobs/context.ts';
import { writeReport } from '../../src/jobs/write-report.ts';
import { parsePriceList } from '../../src/reference-data/price-list.ts';
import { monthsIn, verifyReports } from '../../src/reports/verify-reports.ts';
import { verifyFolder } from '../../src/reports/verify.ts';
import { createTestContext } from '../support/books.ts';
import { bookedCosts, disagreements, misbooked, miscounted, trueCosts } from '../support/closing-oracle.ts';
import { bookkeeper, closeOrFail } from '../support/closing.ts';
import { faceTask, scan, scanTask } from '../support/facts.ts';
import { isFull } from './world.ts';

const timeZone = 'Europe/Amsterdam';
const months = ['2026-09', '2026-10', '2026-11', '2026-12'] as const;

const entry = (taskType: string, level: string | null, price: object) => ({
  ...{ task_type: taskType, level, effective_from: '2026-01-01', effective_to: null },
  ...price,
});
const tiers = (...prices: [upTo: number | null, unitPrice: string][]) =>
  prices.map(([upTo, unitPrice]) => ({ up_to: upTo, unit_price: unitPrice }));
const lists = {
  flat: [
    entry('document_scan', 'advanced', { unit_price: '0.85' }),
    entry('document_scan', null, { unit_price: '0.625' }),
    entry('face_match', null, { unit_price: '0.3333' }),
  ],
  tiers: [
    entry('document_scan', 'advanced', { model: 'graduated', tiers: tiers([3, '1'], [6, '0.5'], [null, '0.125']) }),
    entry('document_scan', null, {
      model: 'volume',
      tiers: tiers([2, '0.9'], [5, '0.7'], [null, '0.3333']),
      free_allowance: 1,
    }),
    entry('face_match', null, { unit_price: '0.25', free_allowance: 2 }),
  ],
};

function dataFile(prices: object[]): NonNullable<Context['prices']> {
  const minimum = [{ effective_from: '2026-01-01', effective_to: '2026-10-01', amount: '3.00' }];
  const bytes = Buffer.from(
    JSON.stringify({ version: 'p1', currency: 'EUR', source: 'a test', prices, monthly_minimum: minimum }),
  );
  return parsePriceList(bytes, 'a test');
}

const instants = fc.constantFrom(
  ...['2026-08-31T21:59:59.999Z', '2026-08-31T22:00:00.000Z', '2026-09-30T21:59:59.999Z', '2026-09-30T22:00:00.000Z'],
  ...['2026-10-15T12:00:00.000Z', '2026-10-31T22:59:59.999Z', '2026-10-31T23:00:00.000Z', '2026-11-20T08:00:00.000Z'],
);
const oneScan: fc.Arbitrary<ScanFacts> = fc
  .tuple(instants, fc.constantFrom(null, null, 'unknown_type_front', 'age_criteria_not_met', 'never_seen'))
  .map(([at, code]) => scan(at, code));
type Step =
  | {
      do: 'look';
      id: number;
      scans: ScanFacts[];
      level: string | null;
      counted: number | null;
      face: boolean;
      completedAt: Date | null;
    }
  | { do: 'close' }
  | { do: 'report' };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('look' as const),
      id: fc.integer({ min: 1, max: 9 }),
      scans: fc.array(oneScan, { maxLength: 3 }),
      level: fc.constantFrom('advanced', 'basic', null),
      counted: fc.option(fc.integer({ min: 0, max: 4 }), { nil: null }),
      face: fc.boolean(),
      completedAt: fc.option(
        instants.map((at) => new Date(at)),
        { nil: null },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'close' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'report' as const }) },
);

const histories = fc.record({
  prices: fc.constantFrom('flat' as const, 'tiers' as const),
  /** Else the books begin with September, and what lies before it is in corrections. */
  hasAugust: fc.boolean(),
  steps: fc.array(step, { minLength: 5, maxLength: 40 }),
});

const why = 'whatever blocks it';

/** What was closed adds up over all months. */
async function verifyTogether(reportsDir: string): Promise<void> {
  const periods = await monthsIn(reportsDir);
  const { problems, compared } = await verifyReports(reportsDir, periods);
  expect(problems).toEqual([]);
  expect(compared).toEqual(periods);
}

async function play(context: Context, steps: readonly Step[], hasAugust: boolean): Promise<void> {
  const look = bookkeeper(context);
  const begin = (period: string) => (!hasAugust && period === months[0] ? why : null);
  const open = [...(hasAugust ? ['2026-08'] : []), ...months];
  for (const one of steps) {
    if (one.do === 'close' && open.length > 1) {
      const period = open.shift()!;
      await closeOrFail(context, period, why, begin(period));
    } else if (one.do === 'report' && open[0]) {
      const { directory } = await writeReport(context, open[0], null);
      expect((await verifyFolder(directory)).problems).toEqual([]);
    } else if (one.do === 'look') {
      const inOrder = one.scans.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
      await look(`t-${one.id}`, {
        createdAt: new Date('2026-08-31T20:00:00Z'),
        completedAt: one.completedAt,
        tasks: [
          scanTask(inOrder, { level: one.level, attemptsInvoiced: one.counted }),
          ...(one.face ? [faceTask('face_match')] : []),
        ],
      });
    }
  }
  for (const period of open) await closeOrFail(context, period, why, begin(period));
}

test(
  'whatever arrives and changes between closes: originals and corrections together are what is true at the end',
  { timeout: 1_200_000 },
  async () => {
    const first = await createTestContext({ environment: { BILLING_TIME_ZONE: timeZone } });
    let index = 0;
    await fc.assert(
      fc.asyncProperty(histories, async ({ prices, steps, hasAugust }) => {
        const fresh =
          (index += 1) === 1 ? first : await createTestContext({ environment: { BILLING_TIME_ZONE: timeZone } });
        const context = { ...fresh, now: () => new Date('2027-01-02T00:00:00Z'), prices: dataFile(lists[prices]) };
        await play(context, steps, hasAugust);
        // Everything before the first open month is booked; once more, so that late changes to the last one are, too.
        await closeOrFail({ ...context, now: () => new Date('2027-02-02T00:00:00Z') }, '2027-01', 'the rest');
        await verifyTogether(context.config.reportsDir);
        const queries = context.db.kysely;
        expect(await misbooked(queries)).toEqual([]);
        expect(await miscounted(queries)).toEqual([]);
        const { booked: listed, actual } = await disagreements(queries, timeZone);
        expect(listed).toEqual(actual);
        const list: PriceList = context.prices.content;
        expect(list.prices.length satisfies number, 'a list of prices').toBe((lists[prices] satisfies object[]).length);
        const sorted = (costs: Map<string, unknown>) => [...costs].sort(([a], [b]) => (a < b ? -1 : 1));
        const nothing = (cost: { attempts: number; amount: bigint }) => cost.attempts === 0 && cost.amount === 0n;
        const booked = new Map([...(await bookedCosts(queries))].filter(([, cost]) => !nothing(cost)));
        expect(sorted(booked)).toEqual(sorted(await trueCosts(queries, list, timeZone)));
      }),
      { numRuns: isFull ? 100 : 6, ...(isFull ? {} : { seed: 20261123 }), endOnFailure: !isFull },
    );
  },
);
