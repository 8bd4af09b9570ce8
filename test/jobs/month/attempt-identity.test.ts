import { describe, expect, test } from 'vitest';
import type { TransactionFacts } from '../../../src/domain/facts.ts';
import type { Context } from '../../../src/jobs/context.ts';
import { writeReport } from '../../../src/jobs/month/write-report.ts';
import { parsePriceList } from '../../../src/reference-data/price-list.ts';
import { createTestContext } from '../../support/books.ts';
import { bookkeeper, closeOrFail, rowsOf } from '../../support/closing.ts';
import { faceTask, scan, scanTask } from '../../support/facts.ts';
import { noEarlierThan } from '../../support/instants.ts';

/** The end of April is what scans of one transaction lie on both sides of. */
const life: Partial<TransactionFacts> = {
  createdAt: new Date('2026-04-30T23:00:00Z'),
  expiresAt: new Date('2026-05-01T01:00:00Z'),
  completedAt: new Date('2026-05-01T00:30:00Z'),
};
const april = '2026-04-30T23:50:00Z';
const may = '2026-05-01T00:10:00Z';

async function books() {
  const context: Context = { ...(await createTestContext()), now: noEarlierThan('2027-02-01T00:00:00Z') };
  const look = bookkeeper(context);
  const saw = (scans: readonly (readonly [at: string, code: string | null])[], counters: object = {}) =>
    look('t-1', {
      ...life,
      tasks: [
        scanTask(
          scans.map(([at, code]) => scan(at, code)),
          counters,
        ),
      ],
    });
  const invoiced = async (...periods: string[]) =>
    Promise.all(periods.map(async (period) => Number((await writeReport(context, period)).lines.totals.invoiced)));
  const disagreements = async (period: string) =>
    (await rowsOf(context, period, 'discrepancies')).map((row) => [
      row['reason'],
      row['own_quantity'],
      row['vendor_quantity'],
    ]);
  return { context, look, saw, invoiced, disagreements };
}

describe('an answer that lists fewer scans', () => {
  test('shifts none into another month', async () => {
    const { saw, invoiced } = await books();
    await saw([
      [april, null],
      [may, null],
    ]);
    await saw([[may, null]], { attempts: 2, attemptsInvoiced: 2 });
    expect(await invoiced('2026-04', '2026-05')).toEqual([1, 1]);
  });

  test('reverses nothing of a closed month and books nothing twice', async () => {
    const { context, saw, invoiced } = await books();
    await saw([
      [april, null],
      [may, null],
    ]);
    await closeOrFail(context, '2026-04');
    await saw([[may, null]], { attempts: 2, attemptsInvoiced: 2 });
    expect(await invoiced('2026-05')).toEqual([1]);
    expect((await writeReport(context, '2026-05')).lines.totals.corrections).toBe(0n);
  });
});

test('scans of the same second in another order stay one success and one that is processing', async () => {
  const { saw, invoiced } = await books();
  const at = '2026-05-01T00:10:00Z';
  await saw([
    [at, null],
    [at, 'processing'],
  ]);
  await saw([
    [at, 'processing'],
    [at, null],
  ]);
  expect(await invoiced('2026-05')).toEqual([1]);
});

test('an earlier scan that turns up later is one more, and moves no other', async () => {
  const { context, saw, invoiced } = await books();
  await saw([[may, null]]);
  await saw([
    [april, 'age_criteria_not_met'],
    [may, null],
  ]);
  expect(await invoiced('2026-04', '2026-05')).toEqual([1, 1]);
  const rows = await rowsOf(context, '2026-04', 'detail');
  expect(rows).toMatchObject([{ attempt: '2', outcome_code: 'age_criteria_not_met' }]);
});

test('a scan whose time is changed stays the same attempt', async () => {
  const { context, saw, invoiced, disagreements } = await books();
  await saw([[april, null]]);
  await closeOrFail(context, '2026-04');
  await saw([[may, null]]);
  // Out of April, into May.
  expect(await invoiced('2026-05')).toEqual([0]);
  expect(
    (await rowsOf(context, '2026-05', 'detail')).map((row) => [
      row['attempt'],
      row['corrects_period'],
      row['quantity'],
    ]),
  ).toEqual([
    ['1', '2026-04', '-1'],
    ['1', '', '1'],
  ]);
  expect(await disagreements('2026-05')).toEqual([]);
});

test('entries listed twice count once where the vendor counts them once, and are named', async () => {
  const { saw, invoiced, disagreements } = await books();
  await saw(
    [
      [may, null],
      [may, null],
    ],
    { attempts: 1, attemptsInvoiced: 1 },
  );
  expect(await invoiced('2026-05')).toEqual([1]);
  expect(await disagreements('2026-05')).toEqual([['listed_twice', '1', '2']]);
  await saw(
    [
      [may, null],
      [may, null],
    ],
    { attempts: 2, attemptsInvoiced: 2 },
  );
  expect(await invoiced('2026-05')).toEqual([2]);
  expect(await disagreements('2026-05')).toEqual([]);
});

test('identical entries are attempts of their own where nothing says otherwise', async () => {
  const { saw, invoiced } = await books();
  await saw(
    [
      [may, null],
      [may, null],
    ],
    { attempts: null, attemptsInvoiced: null },
  );
  await saw([[may, null]], { attempts: null, attemptsInvoiced: null });
  expect(await invoiced('2026-05')).toEqual([2]);
});

test('more scans than the vendor counts are named, not dropped', async () => {
  const { saw, invoiced, disagreements } = await books();
  await saw([[april, null]]);
  await saw([[may, 'age_criteria_not_met']], { attempts: 1, attemptsInvoiced: 1 });
  expect(await invoiced('2026-04', '2026-05')).toEqual([1, 1]);
  expect(await disagreements('2026-05')).toEqual([
    ['attempt_count_differs', '2', '1'],
    ['invoiced_count_differs', '2', '1'],
  ]);
});

test('stand-ins are spread anew when a part of the list comes: the counter holds in total', async () => {
  const { look, invoiced, disagreements } = await books();
  const counters = { attempts: 3, attemptsInvoiced: 1 };
  await look('t-1', { ...life, tasks: [scanTask([], { ...counters, scans: null })] });
  expect(await invoiced('2026-05')).toEqual([1]);
  await look('t-1', { ...life, tasks: [scanTask([scan(may, null)], counters)] });
  expect(await invoiced('2026-05')).toEqual([1]);
  expect((await disagreements('2026-05')).map(([reason]) => reason)).toEqual(['scan_list_missing']);
});

describe('a face task', () => {
  const done = (state: string, transaction: Partial<TransactionFacts>) => ({
    ...life,
    ...transaction,
    tasks: [scanTask([scan(may, null)]), faceTask('face_liveness', state)],
  });

  test('of a completed transaction stays executed, whatever state comes after', async () => {
    const { context, look, invoiced } = await books();
    await look('t-1', done('in_review', {}));
    await closeOrFail(context, '2026-05', null, 'the books begin here');
    await look('t-1', done('in_review', { state: 'archived' }));
    expect(await invoiced('2026-06')).toEqual([0]);
    expect((await writeReport(context, '2026-06')).lines.totals).toMatchObject({
      corrections: 0n,
      unclassified: 0n,
    });
  });

  test('in review that fails later is decided, though an earlier look knew of later scans', async () => {
    const { look, invoiced } = await books();
    const open = { state: 'expired', completedAt: null };
    await look('t-1', done('in_review', open));
    const without = { ...life, ...open, tasks: [faceTask('face_liveness', 'failed')] };
    await look('t-1', without);
    expect(await invoiced('2026-05')).toEqual([2]);
  });
});

test('what moved between two prices of a closed month without a difference is not booked again beside others', async () => {
  const bare: Context = { ...(await createTestContext()), now: noEarlierThan('2027-02-01T00:00:00Z') };
  const price = (from: string, to: string | null) => ({
    task_type: 'face_liveness',
    level: null,
    effective_from: from,
    effective_to: to,
    free_allowance: 1,
    unit_price: '1.00',
  });
  const scans = {
    task_type: 'document_scan',
    level: null,
    effective_from: '2026-01-01',
    effective_to: null,
    unit_price: '0.85',
  };
  const list = {
    version: 'two-entries',
    currency: 'EUR',
    source: 'a test',
    prices: [scans, price('2026-01-01', '2026-10-15'), price('2026-10-15', null)],
  };
  const prices = parsePriceList(Buffer.from(JSON.stringify(list)), 'a test');
  const context = { ...bare, prices };
  const look = bookkeeper(context);
  const at = (day: number) => new Date(`2026-10-${String(day).padStart(2, '0')}T10:00:00Z`);
  const face = (id: string, day: number, more: Partial<TransactionFacts>) =>
    look(id, {
      createdAt: at(day),
      expiresAt: at(day + 1),
      completedAt: null,
      state: 'expired',
      tasks: [faceTask('face_liveness')],
      ...more,
    });
  await face('t-moves', 14, {});
  await closeOrFail(context, '2026-10');
  await face('t-moves', 14, { state: 'completed', completedAt: at(15) });
  await closeOrFail(context, '2026-11');
  await face('t-late', 14, {});
  const { lines } = await writeReport(context, '2026-12');
  expect((await rowsOf(context, '2026-12', 'detail')).map((row) => [row['transaction_id'], row['quantity']])).toEqual([
    ['t-late', '1'],
  ]);
  expect(lines.totals.invoiced).toBe(1n);
});
