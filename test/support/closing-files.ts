import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { micros, rounded } from './closing-model.ts';
import type { PriceFile } from './closing-reference.ts';
import type { CsvRow } from './report-files.ts';

/** A month's published files, as any reader finds them. */
export type Published = {
  readonly period: string;
  readonly detail: readonly CsvRow[];
  readonly summary: readonly CsvRow[];
};

export async function readPublished(reportsDir: string, period: string, isClosed: boolean): Promise<Published> {
  return readFolder(path.join(reportsDir, period), period, isClosed ? 'v1' : 'provisional');
}

/** A closed month with its corrections. */
export async function readRestated(reportsDir: string, period: string): Promise<Published> {
  return readFolder(path.join(reportsDir, `${period}-restated`), period, 'restated');
}

async function readFolder(folder: string, period: string, status: string): Promise<Published> {
  const rows = async (kind: string): Promise<CsvRow[]> =>
    parse(await readFile(path.join(folder, `idscan-cost_${period}_${status}_${kind}.csv`)), { columns: true });
  return { period, detail: await rows('detail'), summary: await rows('summary') };
}

/** Names and hashes of everything in a month's folder. */
export async function fingerprint(reportsDir: string, period: string): Promise<string[]> {
  const folder = path.join(reportsDir, period);
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
  const hashes = names.map(async ({ parentPath, name }) => {
    const bytes = await readFile(path.join(parentPath, name));
    return `${name} ${createHash('sha256').update(bytes).digest('hex')}`;
  });
  return (await Promise.all(hashes)).sort();
}

/** The month that a row is about. */
const monthOf = (row: CsvRow): string => row['corrects_period'] || (row['period'] ?? '');
const isInvoiced = (row: CsvRow): boolean => row['invoiced'] === 'true';
const quantityOf = (row: CsvRow): number => Number(row['quantity']);

/** What all files together say of a month. */
export type BookedMonth = {
  attempts: number;
  invoiced: number;
  unpriced: number;
  readonly amounts: Map<string, bigint>;
  /** What tops it up to its minimum. */
  charged: bigint;
  /** Sum of its summary lines, each rounded for itself, without the minimum. */
  roundedAmount: bigint;
};

export const emptyMonth = (): BookedMonth => ({
  attempts: 0,
  invoiced: 0,
  unpriced: 0,
  amounts: new Map(),
  charged: 0n,
  roundedAmount: 0n,
});

/** Adds up the lines of all files, month by month, own lines and corrections together. */
export function bookedMonths(files: readonly Published[]): Map<string, BookedMonth> {
  const months = new Map<string, BookedMonth>();
  const of = (row: CsvRow): BookedMonth => {
    const month = months.get(monthOf(row)) ?? emptyMonth();
    months.set(monthOf(row), month);
    return month;
  };
  for (const row of files.flatMap(({ detail }) => detail)) {
    const [month, quantity, taskType] = [of(row), quantityOf(row), row['task_type'] ?? ''];
    month.attempts += quantity;
    if (!isInvoiced(row)) continue;
    month.invoiced += quantity;
    if (row['amount'] === '') month.unpriced += quantity;
    // The amount of a reversal is negative as it is printed.
    else month.amounts.set(taskType, (month.amounts.get(taskType) ?? 0n) + micros(row['amount'] ?? ''));
  }
  for (const row of files.flatMap(({ summary }) => summary)) {
    if (row['record_type'] !== 'LINE') continue;
    const amount = row['amount'] ? micros(row['amount']) : 0n;
    if (row['task_type'] === 'monthly_minimum') of(row).charged += amount;
    else of(row).roundedAmount += amount;
  }
  return months;
}

/** What lines of attempts add up to: what remains of each, and what is wrong with it. */
export function remaining(files: readonly Published[]): { lines: string[]; problems: string[] } {
  const keyOf = (row: CsvRow) => `${row['transaction_id']} ${row['task_type']} ${row['attempt']}`;
  const byAttempt = Map.groupBy(
    files.flatMap(({ detail }) => detail),
    keyOf,
  );
  const lines: string[] = [];
  const problems: string[] = [];
  for (const [key, rows] of byAttempt) {
    const nets = new Map<string, number>();
    for (const row of rows) nets.set(lineOf(row), (nets.get(lineOf(row)) ?? 0) + quantityOf(row));
    const left = [...nets].filter(([, net]) => net !== 0);
    if (left.length > 1 || left.some(([, net]) => net !== 1)) problems.push(`${key}: ${JSON.stringify(left)}`);
    lines.push(...left.map(([line]) => line));
  }
  return { lines: lines.sort(), problems };
}

const lineOf = (row: CsvRow): string =>
  attemptLine(
    ...([row['transaction_id'] ?? '', monthOf(row), row['task_type'] ?? ''] as const),
    ...([row['level'] ?? '', row['outcome_code'] ?? '', row['invoiced'] ?? ''] as const),
  );

/** An attempt in words that both sides use. */
export const attemptLine = (
  ...cells: [transactionId: string, period: string, taskType: string, level: string, code: string, invoiced: string]
): string => cells.join(' | ');

/**
 * What of a file's summary is not what its detail lines add up to: alike in month, task, level, unit price and versions
 * they are one line, rounded once. A line that has invoiced attempts without a price has no amount.
 */
export function summaryProblems({ detail, summary }: Published, list: PriceFile | undefined): string[] {
  const columns = ['corrects_period', 'task_type', 'level', 'unit_price', 'rule_table_version', 'price_list_version'];
  const keyOf = (row: CsvRow) => columns.map((column) => row[column] ?? '').join(' | ');
  const due = [...Map.groupBy(detail, keyOf)].map(([key, rows]) => {
    const count = (some: (row: CsvRow) => boolean) => rows.filter(some).reduce((sum, row) => sum + quantityOf(row), 0);
    const isUnknown = rows.some((row) => isInvoiced(row) && row['amount'] === '' && quantityOf(row) === 1);
    const exact = rows.reduce((sum, row) => sum + (row['amount'] ? micros(row['amount']) : 0n), 0n);
    const counts = [count(() => true), count(isInvoiced), count((row) => row['invoiced'] === 'false')];
    return `${key}: ${counts.join(' ')} for ${!list || isUnknown ? 'unknown' : rounded(exact, list)}`;
  });
  const ofAttempts = summary.filter((row) => row['record_type'] === 'LINE' && row['task_type'] !== 'monthly_minimum');
  const said = ofAttempts.map((row) => {
    const amount = row['amount'] ? micros(row['amount']) : 'unknown';
    return `${keyOf(row)}: ${row['attempts']} ${row['invoiced']} ${row['not_invoiced']} for ${amount}`;
  });
  return differences('summary', due, said);
}

/** What is in one list and not, or not as often, in the other. */
export function differences(what: string, due: readonly string[], said: readonly string[]): string[] {
  const left = [...said];
  const missing = due.filter((line) => {
    const index = left.indexOf(line);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
  return [...missing.map((line) => `${what}: due ${line}`), ...left.map((line) => `${what}: said ${line}`)];
}
