import { describe, expect, test } from 'vitest';
import { periodCloses } from '../../../src/db/period-closes.ts';
import { checkBooks } from '../../../src/jobs/month/closed-months.ts';
import type { Context } from '../../../src/jobs/context.ts';
import { writeReport } from '../../../src/jobs/month/write-report.ts';
import { parsePriceList } from '../../../src/reference-data/price-list.ts';
import { parseRuleTables } from '../../../src/reference-data/rule-tables.ts';
import { createTestContext } from '../../support/books.ts';
import { bookkeeper, closeOrFail, rowsOf } from '../../support/closing.ts';
import { scan, scanTask } from '../../support/facts.ts';
import { noEarlierThan } from '../../support/instants.ts';

async function withOctoberClosed() {
  const context: Context = { ...(await createTestContext()), now: noEarlierThan('2027-01-01T00:00:00Z') };
  const look = bookkeeper(context);
  await look('t-1', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', 'never_seen')], { attemptsInvoiced: 1 })] });
  await closeOrFail(context, '2026-10', 'the vendor will tell what never_seen is');
  return { context, look };
}

const pricesOf = (context: Context, change: (text: string) => string) =>
  parsePriceList(Buffer.from(change(context.prices!.bytes.toString())), 'a test');

const inZone = (context: Context, billingTimeZone: string): Context => ({
  ...context,
  config: { ...context.config, billingTimeZone },
});

/** The rules with one more, which says what `never_seen` is. */
function rulesOf({ rules }: Context, version: string): Context['rules'] {
  const rule = '{ "task_type": "document_scan", "outcome_code": "never_seen", "invoiced": true }';
  const text = rules.bytes.toString().replace('"rules": [', `"rules": [${rule},`).replace('id-scan-1', version);
  return parseRuleTables(Buffer.from(text), 'a test');
}

describe('what a closed month rests on', () => {
  test('a version that it used cannot get other content', async () => {
    const { context } = await withOctoberClosed();
    const dearer = pricesOf(context, (text) => text.replaceAll('0.85', '0.95'));
    await expect(writeReport({ ...context, prices: dearer }, '2026-11')).rejects.toMatchObject({
      code: 'reference_changed',
    });
    const rules = rulesOf(context, 'id-scan-1');
    await expect(writeReport({ ...context, rules }, '2026-11')).rejects.toMatchObject({
      code: 'reference_changed',
    });
    const renamed = pricesOf(context, (text) =>
      text.replaceAll('0.85', '0.95').replace('example-2026', 'example-2027'),
    );
    await writeReport({ ...context, prices: renamed }, '2026-11');
  });

  test('the time zone has to keep the bounds of closed months', async () => {
    const { context } = await withOctoberClosed();
    await expect(writeReport(inZone(context, 'Europe/Amsterdam'), '2026-11')).rejects.toMatchObject({
      code: 'billing_time_zone_changed',
      message:
        '2026-10 was closed as 2026-10-01T00:00:00Z to before 2026-11-01T00:00:00Z (UTC). ' +
        'In Europe/Amsterdam it is 2026-09-30T22:00:00Z to before 2026-10-31T23:00:00Z.',
      hint: expect.stringContaining('Set BILLING_TIME_ZONE=UTC.') as string,
    });
  });

  test('another name for the same zone keeps them', async () => {
    const { context } = await withOctoberClosed();
    for (const timeZone of ['Etc/UTC', 'GMT', 'Africa/Abidjan']) {
      await writeReport(inZone(context, timeZone), '2026-11');
      await writeReport(inZone(context, timeZone), '2026-10');
    }
  });

  test('data of the time zone that move a bound are refused, though its name is the same', async () => {
    const { context } = await withOctoberClosed();
    const [close] = await periodCloses(context.db.kysely);
    const anHourLater = (instant: Date) => new Date(instant.getTime() + 3_600_000);
    for (const moved of [{ start: anHourLater(close!.start) }, { end: anHourLater(close!.end) }])
      await expect(checkBooks(context, context.db.kysely, [{ ...close!, ...moved }])).rejects.toMatchObject({
        code: 'billing_time_zone_changed',
        hint: expect.stringContaining('Node') as string,
      });
    await checkBooks(context, context.db.kysely, [close!]);
  });

  test('a rule that is clarified corrects it in the next open month, at the price of then', async () => {
    const { context } = await withOctoberClosed();
    const rules = rulesOf(context, 'id-scan-2');
    const prices = pricesOf(context, (text) => text.replaceAll('0.85', '0.95').replace('example-2026', 'example-2027'));
    const later = { ...context, rules, prices };
    const closed = await writeReport(later, '2026-10');
    expect(closed.lines.totals).toMatchObject({ unclassified: 1n, invoiced: 0n });
    await writeReport(later, '2026-11');
    const rows = await rowsOf(later, '2026-11', 'detail');
    expect(
      rows.map((row) => [
        row['quantity'],
        row['invoiced'],
        row['amount'],
        row['rule_table_version'],
        row['price_list_version'],
      ]),
    ).toEqual([
      ['-1', '', '', 'id-scan-1', 'example-2026'],
      ['1', 'true', '0.85', 'id-scan-2', 'example-2026'],
    ]);
    const summary = await rowsOf(later, '2026-11', 'summary');
    expect(
      summary.map((row) => [
        row['record_type'],
        row['unclassified'],
        row['invoiced'],
        row['amount'],
        row['corrects_period'],
        row['price_list_version'],
      ]),
    ).toEqual([
      ['LINE', '-1', '0', '0.00', '2026-10', 'example-2026'],
      ['LINE', '0', '1', '0.85', '2026-10', 'example-2026'],
      ['TOTAL', '-1', '1', '0.85', '', 'example-2027'],
    ]);
    await closeOrFail(later, '2026-11');
  });

  test('a rule table of months to come may still change', async () => {
    const bare: Context = { ...(await createTestContext()), now: noEarlierThan('2027-01-01T00:00:00Z') };
    const withFuture = (invoiced: boolean) => {
      const file = JSON.parse(bare.rules.bytes.toString()) as { tables: Record<string, unknown>[] };
      const [table] = file.tables;
      const rules = [{ task_type: 'document_scan', outcome_code: null, invoiced }];
      const future = { ...table, version: 'of-2027', effective_from: '2026-12-01', rules };
      const tables = [{ ...table, effective_to: '2026-12-01' }, future];
      return { ...bare, rules: parseRuleTables(Buffer.from(JSON.stringify({ tables })), 'a test') };
    };
    await bookkeeper(bare)('t-1');
    await closeOrFail(withFuture(true), '2026-10');
    await closeOrFail(withFuture(false), '2026-11');
    await closeOrFail(withFuture(false), '2026-12');
    await expect(writeReport(withFuture(true), '2027-01')).rejects.toMatchObject({ code: 'reference_changed' });
  });

  test('another currency cannot follow', async () => {
    const { context } = await withOctoberClosed();
    const prices = pricesOf(context, (text) => text.replace('EUR', 'USD').replace('example-2026', 'dollars'));
    await expect(closeOrFail({ ...context, prices }, '2026-11')).rejects.toMatchObject({ code: 'currency_changed' });
  });
});

describe('a monthly minimum', () => {
  test('tops the month up, and shrinks when more turns out to be invoiced', async () => {
    const bare: Context = { ...(await createTestContext()), now: noEarlierThan('2027-01-01T00:00:00Z') };
    const prices = pricesOf(bare, (text) =>
      text.replace(
        '"prices": [',
        '"monthly_minimum": [{"effective_from": "2026-01-01", "effective_to": "2026-11-01", "amount": "2.00"}], "prices": [',
      ),
    );
    const context = { ...bare, prices };
    const look = bookkeeper(context);
    await look('t-1', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', null)])] });
    await closeOrFail(context, '2026-10');
    const cells = async (period: string, status?: string) =>
      (await rowsOf(context, period, 'summary', status)).map((row) => [
        row['task_type'],
        row['attempts'],
        row['amount'],
        row['corrects_period'],
      ]);
    expect(await cells('2026-10', 'v1')).toEqual([
      ['document_scan', '1', '0.85', ''],
      ['monthly_minimum', '0', '1.15', ''],
      ['', '1', '2.00', ''],
    ]);
    await look('t-2', { tasks: [scanTask([scan('2026-10-06T10:05:00Z', null)])] });
    await closeOrFail(context, '2026-11');
    expect(await cells('2026-11', 'v1')).toEqual([
      ['document_scan', '1', '0.85', '2026-10'],
      ['monthly_minimum', '0', '-0.85', '2026-10'],
      ['', '1', '0.00', ''],
    ]);
    await look('t-3', { tasks: [scanTask([scan('2026-10-07T10:05:00Z', null)])] });
    await writeReport(context, '2026-12');
    expect(await cells('2026-12')).toEqual([
      ['document_scan', '1', '0.85', '2026-10'],
      ['monthly_minimum', '0', '-0.30', '2026-10'],
      ['', '1', '0.55', ''],
    ]);
    // A month that was never closed here had its minimum elsewhere, if it had one.
    await look('t-0', { tasks: [scanTask([scan('2026-09-07T10:05:00Z', null)])] });
    await closeOrFail(context, '2026-12');
    expect(await cells('2026-12', 'v1')).toEqual([
      ['document_scan', '1', '0.85', '2026-09'],
      ['document_scan', '1', '0.85', '2026-10'],
      ['monthly_minimum', '0', '-0.30', '2026-10'],
      ['', '2', '1.40', ''],
    ]);
  });
});
