import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import type { Simulator } from '../../src/simulator/index.ts';

/** Asks the books' Postgres in plain SQL. */
export type Ask = <Row extends Record<string, unknown>>(text: string) => Promise<Row[]>;

export type Verdict = {
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  readonly different: readonly string[];
};

type Stored = {
  transaction_id: string;
  task_type: string;
  ordinal: number;
  code: string | null;
  invoiced: boolean | null;
  level: string | null;
};

/**
 * Holds what is stored against the simulated vendor's own invoice, line by line, without a line of the product's code:
 * plain SQL on one side, the vendor's books on the other.
 */
export async function judge(simulator: Simulator, ask: Ask, month: string): Promise<Verdict> {
  const [fromMonth, nextMonth] = bounds(month);
  const stored = await ask<Stored>(`
    select a.transaction_id, a.task_type, a.ordinal, a.code, a.invoiced, t.level
    from attempts a join tasks t using (transaction_id, task_type)
    where a.attempted_at >= '${fromMonth}' and a.attempted_at < '${nextMonth}'`);
  const own = stored.map((row) =>
    lineOf(row.transaction_id, row.task_type, row.ordinal, row.code, row.invoiced, row.level),
  );
  const vendor = simulator
    .invoice()
    .lines.map((one) => lineOf(one.transactionId, one.taskType, one.attempt, one.code, one.invoiced, one.level));
  const held = comparedTo(own, vendor);
  const files = await filesComparedTo(simulator, ask);
  return {
    lost: [...held.lost, ...files.lost, ...(await transactionsLost(simulator, ask))],
    doubled: [...held.doubled, ...files.doubled],
    different: held.different,
  };
}

/** What a report's detail file says, held against the same invoice. */
export async function judgeReport(simulator: Simulator, reportsDir: string, month: string): Promise<Verdict> {
  const folder = path.join(reportsDir, month);
  const name = (await readdir(folder)).find((one) => one.endsWith('_detail.csv')) ?? '';
  const rows = parse<Record<string, string>>(await readFile(path.join(folder, name)), { columns: true });
  const own = rows.map((row) =>
    [row['transaction_id'], row['task_type'], row['attempt'], row['outcome_code'], row['invoiced']].join(' | '),
  );
  const vendor = simulator
    .invoice()
    .lines.map((one) =>
      [one.transactionId, one.taskType, one.attempt, one.code ?? '', one.invoiced ?? ''].map(String).join(' | '),
    );
  return comparedTo(own, vendor);
}

function lineOf(...cells: (string | number | boolean | null)[]): string {
  return cells.map((cell) => (cell === null ? '-' : String(cell))).join(' | ');
}

function comparedTo(own: readonly string[], vendor: readonly string[]): Verdict {
  const key = (line: string) => line.split(' | ').slice(0, 3).join(' | ');
  const [ownKeys, vendorKeys] = [new Set(own.map(key)), new Set(vendor.map(key))];
  const vendorLines = new Set(vendor);
  const seen = new Set<string>();
  const doubled = own.filter((line) => seen.has(key(line)) || !seen.add(key(line)));
  return {
    lost: vendor.filter((line) => !ownKeys.has(key(line))),
    doubled: [...doubled, ...own.filter((line) => !vendorKeys.has(key(line)))],
    different: own.filter((line) => vendorKeys.has(key(line)) && !vendorLines.has(line)),
  };
}

async function transactionsLost(simulator: Simulator, ask: Ask): Promise<string[]> {
  const rows = await ask<{ id: string; result_id: string | null }>('select id, result_id from transactions');
  const known = new Map(rows.map(({ id, result_id }) => [id, result_id]));
  const strange = simulator.transactions.filter(
    ({ transactionId, resultId }) => known.get(transactionId) !== resultId || !known.has(transactionId),
  );
  const undone = await ask<{ transaction_id: string; kind: string }>(
    `select transaction_id, kind from obligations where state <> 'done'`,
  );
  return [
    ...strange.map(({ transactionId }) => `transaction ${transactionId}`),
    ...undone.map(({ transaction_id, kind }) => `${kind} of ${transaction_id}`),
  ];
}

/** As many files of each transaction as the vendor has, none twice. */
async function filesComparedTo(simulator: Simulator, ask: Ask): Promise<Omit<Verdict, 'different'>> {
  const rows = await ask<{ transaction_id: string; kind: string; files: number }>(`
    select transaction_id, kind, count(*)::int as files from files where state = 'stored' group by transaction_id, kind`);
  const stored = new Map(rows.map(({ transaction_id, kind, files }) => [`${kind} ${transaction_id}`, files]));
  const wanted = simulator.transactions
    .filter(({ resultId }) => resultId !== null)
    .flatMap(({ transactionId, resultFiles, hasAuditReport }) => [
      { name: `document ${transactionId}`, files: resultFiles },
      { name: `audit_report ${transactionId}`, files: hasAuditReport ? 1 : 0 },
    ]);
  return {
    lost: wanted.filter(({ name, files }) => (stored.get(name) ?? 0) < files).map(({ name }) => name),
    doubled: wanted.filter(({ name, files }) => (stored.get(name) ?? 0) > files).map(({ name }) => name),
  };
}

function bounds(month: string): [string, string] {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return [new Date(Date.UTC(year, number - 1)).toISOString(), new Date(Date.UTC(year, number)).toISOString()];
}
