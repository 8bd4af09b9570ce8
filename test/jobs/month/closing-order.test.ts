import { mkdir, readFile, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { Context } from '../../../src/jobs/context.ts';
import { closeMonth } from '../../../src/jobs/month/close-month.ts';
import { writeReport } from '../../../src/jobs/month/write-report.ts';
import { parsePriceList } from '../../../src/reference-data/price-list.ts';
import { asOwner, createTestContext } from '../../support/books.ts';
import { asRole } from '../../support/roles.ts';
import { bookedCosts, misbooked, trueCosts } from '../../support/closing-oracle.ts';
import { bookkeeper, closeOrFail, rowsOf } from '../../support/closing.ts';
import { scan, scanTask } from '../../support/facts.ts';
import { noEarlierThan } from '../../support/instants.ts';

async function books(prices?: object[]) {
  const plain = await createTestContext();
  const list = prices && {
    version: 'p1',
    currency: 'EUR',
    source: 'a test',
    prices: prices.map((price) => ({ effective_from: '2026-01-01', effective_to: null, level: null, ...price })),
  };
  const context: Context = {
    ...plain,
    now: noEarlierThan('2027-06-01T00:00:00Z'),
    ...(list ? { prices: parsePriceList(Buffer.from(JSON.stringify(list)), 'a test') } : {}),
  };
  const look = bookkeeper(context);
  const at = (id: string, ...times: string[]) =>
    look(id, {
      createdAt: new Date('2026-08-01T00:00:00Z'),
      tasks: [scanTask(times.map((time) => scan(time, null)))],
    });
  const close = (period: string) => closeMonth(context, { period, closedBy: 'a test', forcedReason: null });
  return { context, at, close };
}

test('a month in which nothing happened is closed as well: corrections are booked in it', async () => {
  const { context, at, close } = await books();
  await at('t-1', '2026-08-05T10:00:00Z');
  await closeOrFail(context, '2026-08');
  await at('t-late', '2026-08-06T10:00:00Z');
  await expect(close('2026-10')).rejects.toMatchObject({ code: 'period_out_of_order' });
  await closeOrFail(context, '2026-09');
  await closeOrFail(context, '2026-10');
  expect(await misbooked(context.db.kysely)).toEqual([]);
});

test('a month that lies before the first closed one has no report: it is in the corrections', async () => {
  const { context, at } = await books();
  await at('t-1', '2026-10-05T10:00:00Z');
  await closeOrFail(context, '2026-10');
  await at('t-0', '2026-09-05T10:00:00Z');
  await expect(writeReport(context, '2026-09')).rejects.toMatchObject({ code: 'period_out_of_order' });
  const { rows } = await sql<{ at: Date }>`select clock_timestamp() as at`.execute(context.db.kysely);
  await expect(writeReport(context, '2026-09', { asOf: rows[0]!.at })).rejects.toMatchObject({
    code: 'period_out_of_order',
  });
  await writeReport(context, '2026-11');
  expect(
    (await rowsOf(context, '2026-11', 'detail')).map((row) => [row['transaction_id'], row['corrects_period']]),
  ).toEqual([['t-0', '2026-09']]);
});

test('an attempt of an earlier month that slips in while the first month is being closed takes the close back', async () => {
  const { context, at, close } = await books();
  await at('t-1', '2026-10-05T10:00:00Z');
  await at('t-slip', '2026-10-06T10:00:00Z');
  await asRole(
    asOwner(context.config.databaseUrl),
    `create function slip_in() returns trigger language plpgsql as $$ begin
      update attempts set attempted_at = '2026-09-30T10:00:00Z' where transaction_id = 't-slip'; return new; end $$`,
    'create trigger slip_in before insert on closing_horizon for each row execute function slip_in()',
  );
  await expect(close('2026-10')).rejects.toMatchObject({ code: 'period_out_of_order' });
  await closeOrFail(context, '2026-09');
  await closeOrFail(context, '2026-10');
  expect(await misbooked(context.db.kysely)).toEqual([]);
});

test('books that begin with a month: what lies before it becomes corrections', async () => {
  const { context, at, close } = await books([{ task_type: 'document_scan', unit_price: '0.85' }]);
  await at('t-stray', '2005-03-05T10:00:00Z');
  await bookkeeper(context)('t-counted', {
    createdAt: new Date('2026-09-06T10:00:00Z'),
    completedAt: new Date('2026-09-06T10:10:00Z'),
    tasks: [scanTask([], { attempts: 0, attemptsInvoiced: 2 })],
  });
  await at('t-1', '2026-10-05T10:00:00Z');
  const refusal = { code: 'period_out_of_order', hint: expect.stringContaining('--begin-books') as string };
  await expect(close('2026-10')).rejects.toMatchObject(refusal);
  await expect(closeOrFail(context, '2026-10', 'a code is unclear')).rejects.toMatchObject(refusal);
  const { directory, manifest } = await closeOrFail(context, '2026-10', null, 'the clock of a phone was wrong');
  expect(JSON.parse(await readFile(path.join(directory, manifest.name), 'utf8'))).toMatchObject({
    closed_in_spite_of: { unsettled: 0, failed: 0, unclassified: 0, unpriced: 0, earlier: 1 },
  });
  await expect(closeOrFail(context, '2026-11', null, 'once more')).rejects.toMatchObject({
    code: 'period_out_of_order',
  });
  await closeOrFail(context, '2026-11', 'the list has no price for 2005');
  expect(
    (await rowsOf(context, '2026-11', 'detail', 'v1')).map((row) => [row['transaction_id'], row['corrects_period']]),
  ).toEqual([['t-stray', '2005-03']]);
  expect(
    (await rowsOf(context, '2026-11', 'discrepancies', 'v1')).map((row) => [
      row['transaction_id'],
      row['corrects_period'],
    ]),
  ).toEqual([
    ['t-counted', '2026-09'],
    ['t-stray', '2005-03'],
  ]);
  expect(await misbooked(context.db.kysely)).toEqual([]);
});

test('a disagreement whose transaction completes in a later month moves there, and is taken back where it was', async () => {
  const { context, counted, booked } = await countedAcrossMonths();
  await counted();
  await closeOrFail(context, '2026-10', 'it will not change');
  await counted(new Date('2026-11-01T10:00:00Z'));
  await closeOrFail(context, '2026-11', 'whatever blocks it');
  expect(await booked('2026-10')).toEqual([['0', '2', '']]);
  expect(await booked('2026-11')).toEqual([
    ['0', '2', ''],
    ['0', '0', '2026-10'],
  ]);
});

test('a disagreement moves between two closed months, and stays where it lies', async () => {
  const { context, counted, booked } = await countedAcrossMonths();
  await counted();
  await closeOrFail(context, '2026-10', 'it will not change');
  await closeOrFail(context, '2026-11');
  await counted(new Date('2026-11-01T10:00:00Z'));
  await closeOrFail(context, '2026-12');
  expect(await booked('2026-12')).toEqual([
    ['0', '0', '2026-10'],
    ['0', '2', '2026-11'],
  ]);
  await counted(new Date('2026-11-01T10:00:00Z'), 3);
  await closeOrFail(context, '2027-01');
  expect(await booked('2027-01')).toEqual([['0', '3', '2026-11']]);
});

/** A transaction of the last hour of October, of which the vendor counts attempts and lists none. */
async function countedAcrossMonths() {
  const { context } = await books();
  const look = bookkeeper(context);
  const counted = (completedAt?: Date, attemptsInvoiced = 2) =>
    look('t-1', {
      createdAt: new Date('2026-10-31T23:00:00Z'),
      expiresAt: new Date('2026-11-01T23:00:00Z'),
      completedAt: completedAt ?? null,
      tasks: [scanTask([], { attempts: 0, attemptsInvoiced })],
    });
  const booked = async (period: string) =>
    (await rowsOf(context, period, 'discrepancies', 'v1'))
      .filter((row) => row['reason'] === 'invoiced_count_differs')
      .map((row) => [row['own_quantity'], row['vendor_quantity'], row['corrects_period']]);
  return { context, counted, booked };
}

test('a unit that leaves a closed month of volume prices makes the others dearer', async () => {
  const tiers = [
    { up_to: 2, unit_price: '0.90' },
    { up_to: null, unit_price: '0.70' },
  ];
  const { context, at } = await books([{ task_type: 'document_scan', model: 'volume', tiers }]);
  await at('t-1', '2026-09-05T10:00:00Z');
  await at('t-2', '2026-09-06T10:00:00Z');
  await at('t-3', '2026-09-07T10:00:00Z');
  await closeOrFail(context, '2026-09');
  await closeOrFail(context, '2026-10');
  await at('t-3', '2026-10-07T10:00:00Z');
  await closeOrFail(context, '2026-11');
  expect(await misbooked(context.db.kysely)).toEqual([]);
  expect(await bookedCosts(context.db.kysely)).toEqual(
    await trueCosts(context.db.kysely, context.prices!.content, 'UTC'),
  );
});

test('once a month was closed with prices, there are prices', async () => {
  const { context, at } = await books();
  await at('t-1', '2026-10-05T10:00:00Z');
  await closeOrFail(context, '2026-10');
  const without = { ...context, prices: undefined };
  await expect(writeReport(without, '2026-11')).rejects.toMatchObject({ code: 'currency_changed' });
  await expect(closeOrFail(without, '2026-11')).rejects.toMatchObject({ code: 'currency_changed' });
});

test('what the vendor counts and does not list is a disagreement of the month it belongs to, however late it comes', async () => {
  const { context, at } = await books();
  await at('t-1', '2026-09-05T10:00:00Z');
  await closeOrFail(context, '2026-09');
  await closeOrFail(context, '2026-10');
  await bookkeeper(context)('t-counted', {
    createdAt: new Date('2026-09-06T10:00:00Z'),
    completedAt: new Date('2026-09-06T10:10:00Z'),
    tasks: [scanTask([], { attempts: 0, attemptsInvoiced: 2 })],
  });
  await writeReport(context, '2026-11');
  expect(
    (await rowsOf(context, '2026-11', 'discrepancies')).map((row) => [row['transaction_id'], row['corrects_period']]),
  ).toEqual([['t-counted', '2026-09']]);
});

test('a month that was closed and could not be published says so, and is published by its report', async () => {
  const { context, at, close } = await books();
  await at('t-1', '2026-10-05T10:00:00Z');
  const inTheWay = path.join(context.config.reportsDir, '2026-10', 'idscan-cost_2026-10_v1_summary.csv');
  await mkdir(inTheWay, { recursive: true });
  await expect(close('2026-10')).rejects.toMatchObject({
    code: 'storage_failed',
    message: expect.stringMatching(/^2026-10 is closed, but/) as string,
    hint: expect.stringContaining('idscan-ledger report 2026-10') as string,
  });
  await rmdir(inTheWay);
  expect((await writeReport(context, '2026-10')).head.status).toBe('closed');
});

test('a disagreement is in the month of the attempt with the last number, also where an earlier one is later', async () => {
  const { context } = await books();
  const look = bookkeeper(context);
  const saw = (...times: string[]) =>
    look('t-1', {
      createdAt: new Date('2026-10-01T00:00:00Z'),
      tasks: [
        scanTask(
          times.map((time) => scan(time, null)),
          { attemptsInvoiced: 3 },
        ),
      ],
    });
  const booked = async (period: string) =>
    (await rowsOf(context, period, 'discrepancies', 'v1'))
      .filter((row) => row['reason'] === 'invoiced_count_differs')
      .map((row) => [row['own_quantity'], row['vendor_quantity'], row['corrects_period']]);
  await saw('2026-11-05T10:00:00Z');
  await saw('2026-10-06T10:00:00Z', '2026-11-05T10:00:00Z');
  await closeOrFail(context, '2026-10');
  expect(await booked('2026-10')).toEqual([['2', '3', '']]);
  await closeOrFail(context, '2026-11');
  await closeOrFail(context, '2026-12');
  expect([...(await booked('2026-11')), ...(await booked('2026-12'))]).toEqual([]);
});
