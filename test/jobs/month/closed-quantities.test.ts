import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { closeMonth } from '../../../src/jobs/month/close-month.ts';
import type { Context } from '../../../src/jobs/context.ts';
import { writeReport } from '../../../src/jobs/month/write-report.ts';
import { parsePriceList } from '../../../src/reference-data/price-list.ts';
import { createTestContext } from '../../support/books.ts';
import { bookkeeper, closeOrFail, rowsOf } from '../../support/closing.ts';
import { faceTask, scan, scanTask } from '../../support/facts.ts';
import { noEarlierThan } from '../../support/instants.ts';

const entry = (taskType: string, level: string | null, unitPrice: string, from = '2026-01-01') => ({
  task_type: taskType,
  level,
  effective_from: from,
  effective_to: null,
  unit_price: unitPrice,
});

const list = (version: string, currency: string, prices: object[], more: object = {}) =>
  parsePriceList(Buffer.from(JSON.stringify({ version, currency, source: 'a test', prices, ...more })), 'a test');

const inEuro = [entry('document_scan', null, '0.333333'), entry('face_match', null, '0.25')];

/** Two months without a price list: three invoiced scans and a face match in October, one scan in November. */
async function quantities() {
  const priced: Context = { ...(await createTestContext()), now: noEarlierThan('2027-02-01T00:00:00Z') };
  const bare: Context = { ...priced, prices: undefined };
  const look = bookkeeper(bare);
  for (const day of ['05', '06', '07'])
    await look(`t-${day}`, {
      tasks: [scanTask([scan(`2026-10-${day}T10:05:00Z`, null)]), ...(day === '05' ? [faceTask('face_match')] : [])],
    });
  await look('t-november', {
    createdAt: new Date('2026-11-05T10:00:00Z'),
    completedAt: new Date('2026-11-05T10:10:00Z'),
    tasks: [scanTask([scan('2026-11-05T10:05:00Z', null)])],
  });
  return { bare, look };
}

const summary = async (context: Context, period: string) =>
  (await rowsOf(context, period, 'summary', 'v1')).map((row) =>
    [
      row['record_type'] === 'TOTAL' ? 'TOTAL' : row['task_type'],
      row['corrects_period'],
      row['invoiced'],
      row['amount'],
    ].join(' '),
  );

describe('without a price list', () => {
  test('a month closes in quantities without force, and its manifest says that amounts are missing', async () => {
    const { bare } = await quantities();
    const closed = await closeOrFail(bare, '2026-10');
    expect(closed.lines.totals).toMatchObject({ attempts: 4n, invoiced: 4n, unpriced: 4n, amount: null });
    const manifest = JSON.parse(await readFile(path.join(closed.directory, 'manifest.json'), 'utf8')) as object;
    expect(manifest).toMatchObject({
      closed_in_spite_of: null,
      price_list: null,
      control_totals: { amount: null, currency: null, unpriced: 4 },
    });
    expect(
      await bare.db.kysely.selectFrom('period_closes').select(['currency', 'prices_sha256', 'forced_reason']).execute(),
    ).toEqual([{ currency: null, prices_sha256: null, forced_reason: null }]);
    expect(await summary(bare, '2026-10')).toEqual(['document_scan  3 ', 'face_match  1 ', 'TOTAL  4 ']);
  });

  test('where a list is in use, what it has no price for still blocks', async () => {
    const { bare } = await quantities();
    const prices = list('scans', 'EUR', [entry('document_scan', null, '1.00')]);
    expect(
      await closeMonth({ ...bare, prices }, { period: '2026-10', closedBy: 'a test', forcedReason: null }),
    ).toMatchObject({ counts: { unpriced: 1 } });
  });
});

describe('prices that come after months were closed in quantities', () => {
  test('book the exact amounts of each month in the next open one, with its minimum, once', async () => {
    const { bare } = await quantities();
    await closeOrFail(bare, '2026-10');
    const october = (await writeReport(bare, '2026-10')).manifest.sha256;
    await closeOrFail(bare, '2026-11');
    const minimum = [{ effective_from: '2026-01-01', effective_to: '2026-12-01', amount: '5.00' }];
    const priced = { ...bare, prices: list('contract', 'EUR', inEuro, { monthly_minimum: minimum }) };
    const closed = await closeOrFail(priced, '2026-12');
    // October: 3 × 0.333333 = 0.999999, 1.00 as a line, and 0.25; topped up to 5.00. November: 0.33, topped up to 5.00.
    expect(await summary(priced, '2026-12')).toEqual([
      'document_scan 2026-10 -3 0.00',
      'document_scan 2026-10 3 1.00',
      'face_match 2026-10 -1 0.00',
      'face_match 2026-10 1 0.25',
      'monthly_minimum 2026-10 0 3.75',
      'document_scan 2026-11 -1 0.00',
      'document_scan 2026-11 1 0.33',
      'monthly_minimum 2026-11 0 4.67',
      'TOTAL  0 10.00',
    ]);
    expect(closed.lines.totals).toMatchObject({ corrections: 10n, unpriced: 0n, amount: 10_000_000n });
    expect((await closeOrFail(priced, '2027-01')).lines.totals).toMatchObject({ corrections: 0n, amount: 0n });
    expect((await writeReport(priced, '2026-10')).manifest.sha256).toBe(october);
  });

  test('ask for the minimum of months in which nothing was invoiced, too, once', async () => {
    const bare: Context = {
      ...(await createTestContext()),
      now: noEarlierThan('2027-03-01T00:00:00Z'),
      prices: undefined,
    };
    const rejected = [scan('2026-10-05T10:05:00Z', 'unknown_type_back')];
    await bookkeeper(bare)('t-1', { tasks: [scanTask(rejected)] });
    await closeOrFail(bare, '2026-10');
    await closeOrFail(bare, '2026-11');
    const minimum = [{ effective_from: '2026-01-01', effective_to: '2026-12-01', amount: '5.00' }];
    const priced = { ...bare, prices: list('contract', 'EUR', inEuro, { monthly_minimum: minimum }) };
    expect((await writeReport(priced, '2026-12')).lines.totals.amount).toBe(10_000_000n);
    await closeOrFail(priced, '2026-12');
    expect(await summary(priced, '2026-12')).toEqual([
      'monthly_minimum 2026-10 0 5.00',
      'monthly_minimum 2026-11 0 5.00',
      'TOTAL  0 10.00',
    ]);
    expect((await closeOrFail(priced, '2027-01')).lines.totals).toMatchObject({ corrections: 0n, amount: 0n });
  });

  test('price only what they cover; a later list prices the rest', async () => {
    const { bare } = await quantities();
    await closeOrFail(bare, '2026-10');
    await closeOrFail(bare, '2026-11');
    const november = [entry('document_scan', null, '2.00', '2026-11-01')];
    expect(
      (await closeOrFail({ ...bare, prices: list('from-november', 'EUR', november) }, '2026-12')).lines.totals,
    ).toMatchObject({ corrections: 2n, unpriced: 0n, amount: 2_000_000n });
    const all = { ...bare, prices: list('whole', 'EUR', inEuro) };
    expect((await closeOrFail(all, '2027-01')).lines.totals).toMatchObject({
      corrections: 8n,
      unpriced: 0n,
      amount: 1_250_000n,
    });
  });

  test('choose the currency: any one until a month was closed in it, that one from then on', async () => {
    const { bare } = await quantities();
    await closeOrFail(bare, '2026-10');
    const yen = {
      ...bare,
      prices: list('yen', 'JPY', [entry('document_scan', null, '50.5'), entry('face_match', null, '10')]),
    };
    const euro = { ...bare, prices: list('contract', 'EUR', inEuro) };
    // 151.5 JPY are 152 on a line without minor units; the scan of November is 50.5, 51.
    expect((await writeReport(yen, '2026-11')).lines.totals.amount).toBe(213_000_000n);
    const closed = await closeOrFail(euro, '2026-11');
    expect(closed.lines.totals.amount).toBe(1_580_000n);
    for (const context of [yen, bare])
      await expect(closeOrFail(context, '2026-12')).rejects.toMatchObject({ code: 'currency_changed' });
  });
});
