import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { refer } from '../../../src/db/references.ts';
import { referencesQuery } from '../../../src/db/report-files.ts';
import { withSnapshot } from '../../../src/db/snapshot.ts';
import { formatAmount } from '../../../src/domain/money.ts';
import { presentLayout } from '../../../src/domain/report-columns.ts';
import type { Context } from '../../../src/jobs/context.ts';
import { writeReport } from '../../../src/jobs/month/write-report.ts';
import { writeDialects } from '../../../src/reports/dialects.ts';
import { verifyFolder } from '../../../src/reports/verify.ts';
import { withAttempts } from '../../support/attempts.ts';
import { createTestContext } from '../../support/books.ts';
import { bookkeeper, closeOrFail, rowsOf } from '../../support/closing.ts';
import { scan, scanTask } from '../../support/facts.ts';
import type { CsvRow } from '../../support/report-files.ts';
import { instantNow, noEarlierThan } from '../../support/instants.ts';

const header =
  'period,reference,task_type,level,attempts,invoiced,not_invoiced,unclassified,unit_price,amount,currency,rule_table_version,price_list_version,is_correction,corrects_period';

test('the references file has exactly these bytes, is proven, and has copies for spreadsheets', async () => {
  const context = await withAttempts();
  await refer(context.db.kysely, 'b-full', '-7');
  await refer(context.db.kysely, 'a-hostile', 'shop');
  const { directory, manifest } = await writeReport(context, '2026-10');
  const file = path.join(directory, 'idscan-cost_2026-10_provisional_references.csv');
  const versions = 'EUR,id-scan-1,example-2026,false,';
  expect(await readFile(file, 'utf8')).toBe(
    [
      header,
      `2026-10,,document_scan,,1,1,0,0,0.625,0.625,${versions}`,
      `2026-10,'-7,document_scan,advanced,2,1,1,0,0.85,0.85,${versions}`,
      `2026-10,'-7,face_liveness,,1,1,0,0,0.3333,0.3333,${versions}`,
      `2026-10,'-7,face_match,,1,1,0,0,0.25,0.25,${versions}`,
      `2026-10,shop,document_scan,'＝1,2,0,0,2,0.625,,${versions}`,
      '',
    ].join('\r\n'),
  );
  await writeDialects(directory, manifest, ['excel-nl']);
  expect((await readFile(file.replace('.csv', '.excel-nl.csv'), 'utf8')).split('\r\n')[2]).toBe(
    `"=""2026-10""";"=""'-7""";document_scan;advanced;2;1;1;0;0,85;0,85;EUR;"=""id-scan-1""";"=""example-2026""";false;`,
  );
  expect((await verifyFolder(directory)).problems).toEqual([]);
});

test('without prices it has quantities and empty amounts', async () => {
  const context = await withAttempts();
  await writeReport({ ...context, prices: undefined }, '2026-10');
  const rows = await rowsOf(context, '2026-10', 'references');
  expect(rows.map((row) => [row['reference'], row['amount'], row['currency']])).toEqual(rows.map(() => ['', '', '']));
  expect(sum(rows, 'attempts')).toBe(7);
});

test('amounts are written as in every other file', async () => {
  const { db } = await createTestContext();
  const amounts = [0n, 5n, -5n, 850_000n, -850_000n, 1_000_000n, 333_300n, 10n ** 15n + 1n];
  const line = (micros: bigint, index: number) =>
    `select ${micros < 0n ? -1 : 1} as quantity, null::text as corrects_period, 't${index}' as transaction_id,
      'scan' as task_type, null::text as level, '${formatAmount(micros < 0n ? -micros : micros, 6)}' as unit_price,
      true as invoiced, 'r' as rule_table_version, 'p' as price_list_version`;
  for (const minorDigits of [0, 2, 3]) {
    const head = { period: '2026-10', layout: presentLayout, priceList: { currency: 'EUR', minorDigits } };
    const written: string[] = [];
    for (const [index, micros] of amounts.entries())
      written.push(
        await withSnapshot(db, async (snapshot) => {
          const { select } = referencesQuery(line(micros, index), head);
          const { rows } = await snapshot.client.query<{ amount: string }>(select);
          return rows[0]!.amount;
        }),
      );
    expect(written).toEqual(amounts.map((micros) => formatAmount(micros, minorDigits)));
  }
});

/** October is closed; afterwards an attempt of it comes in late, and one of November. */
async function withLateAttempt(): Promise<Context> {
  const context: Context = { ...(await createTestContext()), now: noEarlierThan('2027-01-01T00:00:00Z') };
  const look = bookkeeper(context);
  const scans = (...times: string[]) => ({ tasks: [scanTask(times.map((time) => scan(time, null)))] });
  await look('t-1', scans('2026-10-05T10:05:00Z'));
  await refer(context.db.kysely, 't-1', 'shop');
  await look('t-2', scans('2026-10-06T10:05:00Z'));
  await closeOrFail(context, '2026-10');
  await look('t-late', scans('2026-10-07T10:05:00Z', '2026-10-07T10:06:00Z'));
  await refer(context.db.kysely, 't-late', 'shop');
  return context;
}

const cells = (rows: readonly CsvRow[]) =>
  rows.map((row) => [row['reference'], row['attempts'], row['amount'], row['corrects_period']]);

test('a closed month keeps its bytes; its corrections and the month as it stands now name the reference', async () => {
  const context = await withLateAttempt();
  const closed = await rowsOf(context, '2026-10', 'references', 'v1');
  expect(cells(closed)).toEqual([
    ['', '1', '0.85', ''],
    ['shop', '1', '0.85', ''],
  ]);
  // A reference that comes after the close is not taken: the closed file would change.
  await refer(context.db.kysely, 't-2', 'late');
  await writeReport(context, '2026-10');
  expect(await rowsOf(context, '2026-10', 'references', 'v1')).toEqual(closed);
  const { directory } = await writeReport(context, '2026-11');
  expect(cells(await rowsOf(context, '2026-11', 'references'))).toEqual([['shop', '2', '1.70', '2026-10']]);
  expect((await verifyFolder(directory)).problems).toEqual([]);
  const restated = await writeReport(context, '2026-10', { isRestated: true });
  expect((await verifyFolder(restated.directory)).problems).toEqual([]);
  const file = path.join(restated.directory, 'idscan-cost_2026-10_restated_references.csv');
  expect(cells(parse(await readFile(file), { columns: true }))).toEqual([
    ['', '1', '0.85', ''],
    ['shop', '3', '2.55', ''],
  ]);
  await closeOrFail(context, '2026-11');
});

test('a report as of an instant has the references of then', async () => {
  const context = await withAttempts();
  await refer(context.db.kysely, 'b-full', 'before');
  const asOf = await instantNow(context);
  await refer(context.db.kysely, 'a-hostile', 'after');
  const { directory } = await writeReport(context, '2026-10', { asOf });
  const text = await readFile(path.join(directory, 'idscan-cost_2026-10_provisional_references.csv'), 'utf8');
  expect(
    new Set(
      text
        .trimEnd()
        .split('\r\n')
        .slice(1)
        .map((row) => row.split(',')[1]),
    ),
  ).toEqual(new Set(['', 'before']));
});

const sum = (rows: readonly CsvRow[], column: string): number =>
  rows.reduce((total, row) => total + Number(row[column]), 0);
