import { describe, expect, test } from 'vitest';
import type { Context } from '../../../src/jobs/context.ts';
import { closeMonth } from '../../../src/jobs/month/close-month.ts';
import { writeReport } from '../../../src/jobs/month/write-report.ts';
import { parsePriceList } from '../../../src/reference-data/price-list.ts';
import { createTestContext } from '../../support/books.ts';
import { bookkeeper, closeOrFail, rowsOf } from '../../support/closing.ts';
import { scan, scanTask } from '../../support/facts.ts';
import type { CsvRow } from '../../support/report-files.ts';
import { instantNow, noEarlierThan } from '../../support/instants.ts';

const pricesOf = (context: Context, change: (text: string) => string) =>
  parsePriceList(Buffer.from(change(context.prices!.bytes.toString())), 'a test');

describe('corrections of lines without a price', () => {
  const november = {
    createdAt: new Date('2026-11-05T10:00:00Z'),
    expiresAt: new Date('2026-11-05T12:00:00Z'),
    completedAt: new Date('2026-11-05T10:10:00Z'),
    tasks: [scanTask([scan('2026-11-05T10:05:00Z', null)])],
  };

  test('taking back what had no price leaves the total known', async () => {
    const bare: Context = { ...(await createTestContext()), now: noEarlierThan('2027-01-01T00:00:00Z') };
    const prices = pricesOf(bare, (text) => text.replace('"level": null', '"level": "basic"'));
    const context = { ...bare, prices };
    const look = bookkeeper(context);
    const scans = [scan('2026-10-05T10:05:00Z', null)];
    await look('t-1', { tasks: [scanTask(scans, { level: 'unheard_of' })] });
    await closeOrFail(context, '2026-10', 'the contract knows no such level');
    await look('t-1', { tasks: [scanTask(scans)] });
    await look('t-2', november);
    const { lines } = await closeOrFail(context, '2026-11');
    expect(lines.totals).toMatchObject({ unpriced: 0n, amount: 1_700_000n });
  });

  test('a month closed without prices gets those of the first list that has some', async () => {
    const context: Context = { ...(await createTestContext()), now: noEarlierThan('2027-01-01T00:00:00Z') };
    const look = bookkeeper(context);
    await look('t-1');
    await closeOrFail({ ...context, prices: undefined }, '2026-10');
    await look('t-late', { tasks: [scanTask([scan('2026-10-06T10:05:00Z', 'unknown_type_back')])] });
    await look('t-2', november);
    const { lines } = await closeOrFail(context, '2026-11');
    expect(lines.totals).toMatchObject({ corrections: 3n, unpriced: 0n, amount: 1_700_000n });
  });

  /** A list with prices for scans of some levels, and a minimum for months before November. */
  const list = (version: string, prices: [level: string, unitPrice: string][], minimum?: string) =>
    parsePriceList(
      Buffer.from(
        JSON.stringify({
          version,
          currency: 'EUR',
          source: 'a test',
          prices: prices.map(([level, unitPrice]) => ({
            task_type: 'document_scan',
            level,
            effective_from: '2026-01-01',
            effective_to: null,
            unit_price: unitPrice,
          })),
          ...(minimum === undefined
            ? {}
            : {
                monthly_minimum: [{ effective_from: '2026-01-01', effective_to: '2026-11-01', amount: minimum }],
              }),
        }),
      ),
      'a test',
    );

  const priced = (rows: readonly CsvRow[]) =>
    rows
      .filter((row) => row['corrects_period'] !== '')
      .map((row) => [row['transaction_id'], row['quantity'], row['amount'], row['price_list_version']]);

  test('a late attempt of a level that the closed list does not price takes the first list that does, and keeps it', async () => {
    const bare: Context = { ...(await createTestContext()), now: noEarlierThan('2027-02-01T00:00:00Z') };
    const basic = { ...bare, prices: list('basic', [['basic', '0.85']]) };
    const look = bookkeeper(bare);
    await look('t-1', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', null)], { level: 'basic' })] });
    await closeOrFail(basic, '2026-10');
    const late = (id: string) =>
      look(id, { tasks: [scanTask([scan('2026-10-06T10:05:00Z', null)], { level: 'rare' })] });
    await late('t-late');
    expect(await closeMonth(basic, { period: '2026-11', closedBy: 'a test', forcedReason: null })).toMatchObject({
      counts: { unpriced: 1 },
    });
    const gold = { ...bare, prices: list('gold', [['rare', '2.50']]) };
    await writeReport(gold, '2026-11');
    expect(priced(await rowsOf(gold, '2026-11', 'detail'))).toEqual([['t-late', '1', '2.50', 'gold']]);
    await closeOrFail(gold, '2026-11');
    // Another list that prices it differently moves neither what is booked nor the price of what comes later still.
    const dearer = { ...bare, prices: list('dearer', [['rare', '9.00']]) };
    await late('t-later');
    await look('t-1', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', 'unknown_type_back')], { level: 'basic' })] });
    await closeOrFail(dearer, '2026-12');
    expect(priced(await rowsOf(dearer, '2026-12', 'detail', 'v1'))).toEqual([
      ['t-1', '-1', '-0.85', 'basic'],
      ['t-1', '1', '0.00', 'basic'],
      ['t-later', '1', '2.50', 'gold'],
    ]);
    expect((await writeReport(dearer, '2027-01')).lines.totals.corrections).toBe(0n);
  });

  test('what was booked without a price by force gets one as soon as a list has it, once', async () => {
    const bare: Context = { ...(await createTestContext()), now: noEarlierThan('2027-02-01T00:00:00Z') };
    const basic = { ...bare, prices: list('basic', [['basic', '0.85']]) };
    const look = bookkeeper(bare);
    const october = (id: string, level: string) =>
      look(id, { tasks: [scanTask([scan('2026-10-05T10:05:00Z', null)], { level })] });
    await october('t-1', 'rare');
    await october('t-2', 'basic');
    expect((await closeOrFail(basic, '2026-10', 'no price was agreed')).lines.totals.amount).toBeNull();
    expect((await writeReport(basic, '2026-11')).lines.totals.corrections).toBe(0n);
    const all = { ...bare, prices: list('all', [['rare', '2.50']]) };
    const { lines } = await closeOrFail(all, '2026-11');
    expect(lines.totals).toMatchObject({ corrections: 2n, unpriced: 0n, amount: 2_500_000n });
    expect(priced(await rowsOf(all, '2026-11', 'detail', 'v1'))).toEqual([
      ['t-1', '-1', '', 'basic'],
      ['t-1', '1', '2.50', 'all'],
    ]);
    expect((await closeOrFail(all, '2026-12')).lines.totals.corrections).toBe(0n);
  });

  test('a month before the closed ones is priced by the first of them, not by the list of the day', async () => {
    const bare: Context = { ...(await createTestContext()), now: noEarlierThan('2027-02-01T00:00:00Z') };
    const look = bookkeeper(bare);
    await look('t-1');
    await closeOrFail(bare, '2026-10');
    const dearer = {
      ...bare,
      prices: pricesOf(bare, (text) => text.replaceAll('0.85', '0.95').replace('example-2026', 'dearer')),
    };
    await look('t-0', { tasks: [scanTask([scan('2026-09-05T10:05:00Z', null)])] });
    await closeOrFail(dearer, '2026-11');
    await look('t-00', { tasks: [scanTask([scan('2026-09-06T10:05:00Z', null)])] });
    await closeOrFail(dearer, '2026-12');
    const booked = [
      ...(await rowsOf(dearer, '2026-11', 'detail', 'v1')),
      ...(await rowsOf(dearer, '2026-12', 'detail', 'v1')),
    ];
    expect(priced(booked)).toEqual([
      ['t-0', '1', '0.85', 'example-2026'],
      ['t-00', '1', '0.85', 'example-2026'],
    ]);
  });

  test('a month’s minimum is settled once everything in it has its price, upwards and downwards', async () => {
    const bare: Context = { ...(await createTestContext()), now: noEarlierThan('2027-03-01T00:00:00Z') };
    const look = bookkeeper(bare);
    const october = (id: string, level: string, at = '2026-10-05T10:05:00Z') =>
      look(id, { tasks: [scanTask([scan(at, null)], { level })] });
    const basic = { ...bare, prices: list('basic', [['basic', '0.85']], '10.00') };
    const all = {
      ...bare,
      prices: list('all', [
        ['basic', '0.85'],
        ['rare', '12.50'],
      ]),
    };
    const charged = async (period: string) =>
      (await rowsOf(all, period, 'summary', 'v1'))
        .filter((row) => row['task_type'] === 'monthly_minimum')
        .map((row) => [row['amount'], row['corrects_period']]);
    await october('t-1', 'basic');
    await october('t-2', 'rare');
    await october('t-3', 'rare', '2026-09-30T10:05:00Z');
    await closeOrFail(basic, '2026-09', 'no price was agreed');
    await closeOrFail(basic, '2026-10', 'no price was agreed');
    expect([...(await charged('2026-09')), ...(await charged('2026-10'))]).toEqual([]);
    const cheap = {
      ...bare,
      prices: list('cheap', [
        ['basic', '0.85'],
        ['rare', '2.50'],
      ]),
    };
    await closeOrFail(cheap, '2026-11');
    expect(await charged('2026-11')).toEqual([
      ['7.50', '2026-09'],
      ['6.65', '2026-10'],
    ]);
    // A late one without a price leaves the sum open, its price takes the top-up back.
    await october('t-4', 'gold');
    await closeOrFail(cheap, '2026-12', 'no price was agreed');
    const gold = {
      ...bare,
      prices: list('gold', [
        ['basic', '0.85'],
        ['rare', '2.50'],
        ['gold', '20.00'],
      ]),
    };
    await closeOrFail(gold, '2027-01');
    expect([...(await charged('2026-12')), ...(await charged('2027-01'))]).toEqual([['-6.65', '2026-10']]);
  });

  test('a month closed without a list takes the minimum of the first one behind it', async () => {
    const context: Context = { ...(await createTestContext()), now: noEarlierThan('2027-01-01T00:00:00Z') };
    await bookkeeper(context)('t-1', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', null)], { level: 'basic' })] });
    await closeOrFail({ ...context, prices: undefined }, '2026-10');
    const { lines } = await closeOrFail({ ...context, prices: list('basic', [['basic', '0.85']], '10.00') }, '2026-11');
    expect(lines.totals.amount).toBe(10_000_000n);
  });

  test('a list that another month’s report took in use counts for earlier states as well', async () => {
    const bare: Context = { ...(await createTestContext()), now: noEarlierThan('2027-03-01T00:00:00Z') };
    await bookkeeper(bare)('t-1', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', null)], { level: 'rare' })] });
    await closeOrFail({ ...bare, prices: list('basic', [['basic', '0.85']]) }, '2026-10', 'no price was agreed');
    const all = { ...bare, prices: list('all', [['rare', '2.50']]) };
    await writeReport(all, '2026-12');
    const asOf = await writeReport(all, '2026-11', { asOf: await instantNow(bare) });
    const now = await writeReport(all, '2026-11');
    expect(now.lines.totals.corrections).toBe(2n);
    expect(asOf.files.map(({ sha256 }) => sha256)).toEqual(now.files.map(({ sha256 }) => sha256));
  });
});
