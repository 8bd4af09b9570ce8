import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import type { Invoice } from '../../src/simulator/index.ts';

export type CsvRow = Readonly<Record<string, string>>;

/** A published report, read back from its files as any other program would. */
export type ReportFiles = {
  readonly bytes: ReadonlyMap<string, Buffer>;
  readonly detail: readonly CsvRow[];
  readonly summary: readonly CsvRow[];
  readonly references: readonly CsvRow[];
  readonly codes: readonly CsvRow[];
  readonly discrepancies: readonly CsvRow[];
  readonly manifest: {
    readonly control_totals: Readonly<Record<string, string | number | null>>;
    readonly files: readonly {
      readonly name: string;
      readonly sha256: string;
      readonly bytes: number;
      readonly rows: number;
    }[];
  };
};

export async function readReport(reportsDir: string, period: string): Promise<ReportFiles> {
  const directory = path.join(reportsDir, period);
  const manifestBytes = await readFile(path.join(directory, 'manifest.json'));
  const manifest = JSON.parse(manifestBytes.toString()) as ReportFiles['manifest'];
  const bytes = new Map([['manifest.json', manifestBytes]]);
  for (const { name } of manifest.files) bytes.set(name, await readFile(path.join(directory, name)));
  const rows = (kind: string): CsvRow[] =>
    parse(bytes.get(`idscan-cost_${period}_provisional_${kind}.csv`) ?? Buffer.of(), { columns: true });
  return {
    bytes,
    detail: rows('detail'),
    summary: rows('summary'),
    references: rows('references'),
    codes: rows('codes'),
    discrepancies: rows('discrepancies'),
    manifest,
  };
}

/** The invoice and the detail file as sorted lines in one form, to be held against each other. */
export function asLines(source: Invoice | readonly CsvRow[], without: ReadonlySet<string> = new Set()): string[] {
  const lines =
    'lines' in source
      ? source.lines.map((line) => [
          line.transactionId,
          line.taskType,
          line.attempt,
          line.code ?? '',
          line.invoiced === null ? '' : String(line.invoiced),
          line.level ?? '',
        ])
      : source.map((row) => [
          row['transaction_id'],
          row['task_type'],
          row['attempt'],
          row['outcome_code'],
          row['invoiced'],
          row['level'],
        ]);
  return lines
    .filter(([transactionId]) => !without.has(String(transactionId)))
    .map((cells) => cells.join(' | '))
    .sort();
}
