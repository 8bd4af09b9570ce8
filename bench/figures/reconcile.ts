import { appendFile, copyFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { benchMonth } from '../ids.ts';
import type { Measured } from '../measure.ts';
import { mebibyte, runProcess } from '../processes.ts';
import { launcherOf, type Sandbox } from '../servers.ts';
import { detailSql } from './report.ts';
import { type Bench, comparison, type Figure, productName } from './figure.ts';
import { runPsql } from './psql.ts';

const attempts = 1_000_000;
const peer = 'copying in, and the detail out';

/**
 * A usage statement with a row for every attempt, held against the books with an invoice of the same: every fourth row
 * is a scan that the rules do not invoice. Compared with psql, which only copies it in and the detail out.
 */
export const reconcile: Figure = {
  name: 'reconcile',
  unit: 's',
  describe: (scale) => `reconcile of a month with ${Math.round(attempts * scale)} attempts and as many usage rows`,
  prepare: async (bench) => {
    const count = Math.max(400, attempts * bench.scale);
    const filled = await bench.filled(count);
    const usage = path.join(filled.folder, 'usage.csv');
    await runPsql(filled, usageSql, usage);
    const given = path.join(filled.folder, 'given.csv');
    await copyFile(usage, given);
    const invoice = await writeInvoice(filled);
    const withUsage = bench.checkouts.map((checkout) => ({
      name: productName(bench, checkout),
      run: async () => {
        // Another file each time: the same one twice is not taken in again.
        await appendFile(given, '\n');
        return run(bench, checkout, filled, ['--invoice', invoice, '--usage', given]);
      },
    }));
    if (bench.checkouts.length > 1)
      return { contenders: withUsage, lines: comparison(bench, 'time of reconcile'), end: () => Promise.resolve() };
    const [checkout] = bench.checkouts;
    // Books without a usage statement.
    const others = await bench.filled(count + 4);
    const ofOthers = await writeInvoice(others);
    await prepareCopy(filled);
    const detail = await detailSql(filled);
    return {
      contenders: [
        ...withUsage,
        { name: alone, run: () => run(bench, checkout, others, ['--invoice', ofOthers]) },
        { name: 'report', run: () => runReport(checkout, others) },
        { name: peer, run: () => copyBoth(filled, usage, detail) },
      ],
      lines: [
        {
          what: 'time of reconcile --usage ÷ copying in and out',
          of: 'idscan-ledger',
          over: peer,
          goal: { atMost: 2 },
        },
        {
          what: 'memory of reconcile --usage at most, MiB',
          of: 'idscan-ledger',
          over: null,
          also: 'peakRssMiB',
          goal: { atMost: 200 },
        },
        { what: 'time of reconcile with the invoice alone ÷ report', of: alone, over: 'report', goal: { atMost: 1 } },
      ],
      end: () => Promise.resolve(),
    };
  },
};

const alone = 'with the invoice alone';

/** Every attempt in the plain format. */
const usageSql = `select a.transaction_id, a.task_type, a.ordinal as attempt,
  to_char(a.attempted_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as attempted_at, a.code as outcome_code, k.level,
  1 as quantity, null as unit_price
  from attempts a join tasks k on k.transaction_id = a.transaction_id and k.task_type = a.task_type`;

async function writeInvoice({ query, folder }: Sandbox): Promise<string> {
  const rows = await query(`select a.task_type, k.level, count(*) as quantity from attempts a
    join tasks k on k.transaction_id = a.transaction_id and k.task_type = a.task_type group by 1, 2 order by 1`);
  const prices: Readonly<Record<string, number>> = { document_scan: 8_500, face_liveness: 3_333, face_match: 2_500 };
  const lines = rows.map((row, index) => {
    const [taskType, quantity] = [String(row['task_type']), Number(row['quantity'])];
    const price = prices[taskType] ?? 0;
    const cents = Math.round((quantity * price) / 100);
    return `B-1,2026-11-01,EUR,${index + 1},${taskType},usage,${taskType},${String(row['level'] ?? '')},${quantity},${price / 10_000},${(cents / 100).toFixed(2)}`;
  });
  const file = path.join(folder, 'invoice.csv');
  const header = 'invoice_number,issue_date,currency,line,description,kind,task_type,level,quantity,unit_price,amount';
  await writeFile(file, `${[header, ...lines].join('\n')}\n`);
  return file;
}

async function run(
  bench: Bench,
  checkout: string,
  { environment, query }: Sandbox,
  args: readonly string[],
): Promise<Measured> {
  await query(tidy);
  const { durationMs, peakRssBytes } = await runProcess({
    args: [launcherOf(checkout), 'reconcile', benchMonth, ...args],
    environment,
    profileDir: bench.profileDir,
    accepts: [1],
  });
  return { value: durationMs / 1_000, also: { peakRssMiB: peakRssBytes / mebibyte } };
}

/**
 * Each round leaves a statement of a million rows more. Postgres tidies up after it a minute later, on the processors of
 * whoever is measured then.
 */
const tidy = 'vacuum (analyze)';

async function runReport(checkout: string, { environment, query }: Sandbox): Promise<Measured> {
  await query(tidy);
  const { durationMs } = await runProcess({ args: [launcherOf(checkout), 'report', benchMonth], environment });
  return { value: durationMs / 1_000 };
}

const prepareCopy = ({ query }: Sandbox) =>
  query(`create table if not exists copied_in (transaction_id text collate "C", task_type text collate "C", attempt integer,
    attempted_at timestamptz, outcome_code text, level text, quantity bigint, unit_price numeric)`);

async function copyBoth(sandbox: Sandbox, usage: string, detail: string): Promise<Measured> {
  await sandbox.query(tidy);
  const program = path.join(import.meta.dirname, '../programs/copy-in.ts');
  const input = { databaseUrl: sandbox.databaseUrl, table: 'copied_in', file: usage };
  const { durationMs } = await runProcess({ args: [program, JSON.stringify(input)] });
  const file = path.join(sandbox.folder, 'copied.csv');
  const seconds = await runPsql(sandbox, detail, file);
  await rm(file);
  return { value: durationMs / 1_000 + seconds };
}
