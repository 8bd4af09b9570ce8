import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createHash } from 'node:crypto';
import { Redis } from 'ioredis';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import type { FaultKind } from '../../src/simulator/faults.ts';
import { type InvoicePrices, type Simulator, startSimulator } from '../../src/simulator/index.ts';
import { atEnd } from '../support/books.ts';
import { type CliEnvironment, createCliEnvironment, runCli } from '../support/cli.ts';
import { keysOf } from '../support/needles.ts';
import { asLines, readReport } from '../support/report-files.ts';

const month = '2026-10';
const pricesFile = path.join(import.meta.dirname, '../../examples/prices.json');
const prices: InvoicePrices = {
  currency: 'EUR',
  units: [
    { taskType: 'document_scan', level: 'advanced', unitPrice: '0.85' },
    { taskType: 'document_scan', level: null, unitPrice: '0.625' },
    { taskType: 'face_liveness', level: null, unitPrice: '0.3333' },
    { taskType: 'face_match', level: null, unitPrice: '0.25' },
  ],
};
const faultKinds: FaultKind[] = [
  'rate_limited_seconds',
  'server_error',
  'bad_gateway',
  'unavailable',
  'html',
  'cut_length',
  'cut_chunked',
  'reset',
  'slow_body',
  'unauthorized_once',
];

async function enqueueAndWork(simulator: Simulator, extra: CliEnvironment = {}) {
  const environment = await createCliEnvironment({
    IDSCAN_BASE_URL: simulator.baseUrl,
    IDSCAN_KEY_ID: simulator.keyId,
    IDSCAN_KEY_SECRET: simulator.secret,
    PRICES_FILE: pricesFile,
    ...extra,
  });
  const idsFile = path.join(environment.folder, 'ids.csv');
  await writeFile(idsFile, simulator.idsCsv());
  const runAll = async () => {
    const enqueued = await runCli(['enqueue', '--file', idsFile], environment);
    const worked = await runCli(['worker', '--until-idle'], environment);
    const reported = await runCli(['report', month], environment);
    return { enqueued, worked, reported };
  };
  return { environment, runAll };
}

const noListLines: ReadonlySet<string> = new Set();

describe('a month from IDs to CSVs', { timeout: 180_000 }, () => {
  test('equals the vendor’s invoice line by line, with 15% of the answers faulty and 20% of the transactions abandoned', async () => {
    const simulator = await startSimulator({
      seed: 'month',
      month,
      transactions: 150,
      abandonedShare: 0.2,
      olderShapeShare: 0.2,
      unknownCodeShare: 0.08,
      faults: { share: 0.15, kinds: faultKinds },
    });
    atEnd(simulator.close);
    const { environment, runAll } = await enqueueAndWork(simulator);
    const first = await runAll();
    expect(first.enqueued).toMatchObject({ code: 0, stdout: '150 accepted, 0 already known, 0 lines rejected\n' });
    expect(first.worked.code, first.worked.stdout).toBe(0);
    expect(first.worked.stdout).toContain(' 0 failed');
    expect(first.reported.code, first.reported.stderr).toBe(0);

    const report = await readReport(environment['REPORTS_DIR'] ?? '', month);
    const invoice = simulator.invoice(prices);
    expect(invoice.unknownCount).toBeGreaterThan(0);
    expect(asLines(report.detail)).toEqual(asLines(invoice));
    const total = report.summary.at(-1);
    expect(total).toMatchObject({
      record_type: 'TOTAL',
      attempts: String(invoice.lines.length),
      invoiced: String(invoice.invoicedCount),
      not_invoiced: String(invoice.notInvoicedCount),
      unclassified: String(invoice.unknownCount),
      amount: invoice.totalAmount,
      currency: 'EUR',
      period_status: 'provisional',
    });
    for (const { name, sha256, bytes } of report.manifest.files) {
      const content = report.bytes.get(name);
      expect(content).toHaveLength(bytes);
      expect(
        createHash('sha256')
          .update(content ?? '')
          .digest('hex'),
      ).toBe(sha256);
    }

    const served = new Map([...simulator.requests.downloads].map(([token, one]) => [token, one.served]));
    expect([...served.values()].filter((times) => times > 1)).toEqual([]);
    expect(served.size).toBeGreaterThan(200);

    simulator.setFaults(null);
    const again = await runAll();
    expect(again.enqueued.stdout).toContain('0 accepted, 150 already known');
    expect((await readReport(environment['REPORTS_DIR'] ?? '', month)).bytes).toEqual(report.bytes);

    const reprocessed = await runCli(['reprocess', '--month', month], environment);
    expect(reprocessed.stdout).toContain('Due again');
    expect((await runCli(['worker', '--until-idle'], environment)).code).toBe(0);
    await runCli(['report', month], environment);
    expect((await readReport(environment['REPORTS_DIR'] ?? '', month)).bytes).toEqual(report.bytes);
    const servedNow = new Map([...simulator.requests.downloads].map(([token, one]) => [token, one.served]));
    expect(servedNow).toEqual(served);

    await expectNoTraceOf(
      simulator,
      environment,
      [first, again].flatMap((run) => Object.values(run)),
    );
  });

  test('falls back on the counter where the scans are not listed, marked as such, and reports where the counter disagrees', async () => {
    const simulator = await startSimulator({
      seed: 7,
      month,
      transactions: 120,
      listMissingShare: 0.15,
      abandonedShare: 0.1,
    });
    atEnd(simulator.close);
    const { environment, runAll } = await enqueueAndWork(simulator, {
      FETCH_DOCUMENTS: 'false',
      FETCH_AUDIT_REPORTS: 'false',
    });
    const { reported } = await runAll();
    expect(reported.code, reported.stderr).toBe(0);
    const report = await readReport(environment['REPORTS_DIR'] ?? '', month);
    const invoice = simulator.invoice(prices);
    const unlisted = new Set(simulator.transactions.filter((one) => one.isListMissing).map((one) => one.transactionId));
    expect(unlisted.size).toBeGreaterThan(3);
    expect(asLines(report.detail, unlisted)).toEqual(asLines(invoice, unlisted));
    expect(report.summary.at(-1)).toMatchObject({
      invoiced: String(invoice.invoicedCount),
      amount: invoice.totalAmount,
    });
    const standIns = report.detail.filter((row) => row['reason']?.startsWith('vendor_counter'));
    expect(new Set(standIns.map((row) => row['transaction_id']))).toEqual(unlisted);
    const missing = report.discrepancies.filter((row) => row['reason'] === 'scan_list_missing');
    expect(new Set(missing.map((row) => row['transaction_id']))).toEqual(unlisted);
    expect(simulator.requests.byRoute.download).toBe(0);
    expect(simulator.requests.byRoute.audit_report).toBe(0);
  });

  test('lists every wrong counter as a discrepancy, and repairs none', async () => {
    const simulator = await startSimulator({
      seed: 3,
      month,
      transactions: 120,
      counterMismatchShare: 0.2,
      counterMissingShare: 0.1,
    });
    atEnd(simulator.close);
    const { environment, runAll } = await enqueueAndWork(simulator, {
      FETCH_DOCUMENTS: 'false',
      FETCH_AUDIT_REPORTS: 'false',
    });
    await runAll();
    const report = await readReport(environment['REPORTS_DIR'] ?? '', month);
    const invoice = simulator.invoice(prices);
    expect(asLines(report.detail, noListLines)).toEqual(asLines(invoice));
    const wrong = new Set(simulator.transactions.filter((one) => one.isCounterWrong).map((one) => one.transactionId));
    const inMonth = new Set(report.detail.map((row) => row['transaction_id'] ?? ''));
    // That a scan was never decided is no matter of counters.
    const ofCounters = report.discrepancies.filter((row) => row['reason'] !== 'still_processing');
    const named = ofCounters.map((row) => row['transaction_id'] ?? '');
    expect(named.length).toBeGreaterThan(10);
    expect(new Set(named)).toEqual(new Set([...wrong].filter((id) => named.includes(id))));
    for (const id of wrong)
      if (inMonth.has(id) && !named.includes(id)) expect(isAcrossMonths(simulator, id)).toBe(true);
    const total = report.summary.at(-1);
    const differences = ofCounters.reduce((sum, row) => sum + Number(row['difference']), 0);
    const counted = report.detail.filter(
      (row) => row['invoiced'] === 'true' && row['counter_status'] !== 'absent',
    ).length;
    expect(Number(total?.['vendor_counter']) - counted).toBe(differences);
  });
});

const isAcrossMonths = (simulator: Simulator, id: string): boolean | undefined =>
  simulator.transactions.find((one) => one.transactionId === id)?.isAcrossMonths;

/** The names in `result[].values` are nowhere: not in tables, Redis, output, logs, CSVs or stored files. */
async function expectNoTraceOf(
  simulator: Simulator,
  environment: CliEnvironment,
  outputs: readonly { stdout: string; stderr: string }[],
): Promise<void> {
  const { surnames, documentNumbers, canaryPrefix } = simulator.personalData();
  expect(surnames.length).toBeGreaterThan(50);
  const client = new pg.Client({ connectionString: environment['DATABASE_URL'] });
  await client.connect();
  const { rows: tables } = await client.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public'`,
  );
  const texts: string[] = outputs.flatMap(({ stdout, stderr }) => [stdout, stderr]);
  for (const { name } of tables)
    for (const { line } of (await client.query<{ line: string }>(`select t::text as line from ${name} t`)).rows)
      texts.push(line);
  await client.end();
  const redis = new Redis(environment['REDIS_URL'] ?? '');
  for (const { bytes } of await keysOf(redis)) texts.push(bytes.toString());
  await redis.quit();
  for (const entry of await readdir(environment['folder'] ?? '', { recursive: true, withFileTypes: true }))
    if (entry.isFile() && entry.name !== 'ids.csv')
      texts.push((await readFile(path.join(entry.parentPath, entry.name))).toString('latin1'));
  const everything = texts.join('\n');
  expect(everything.length).toBeGreaterThan(100_000);
  expect(everything).not.toContain(canaryPrefix);
  expect([...surnames, ...documentNumbers].filter((value) => everything.includes(value))).toEqual([]);
  expect(everything).not.toMatch(/\/downloads\/[A-Za-z0-9]/);
  expect(everything).not.toContain(simulator.secret);
}
