import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { formatAmount, parsePrice, roundToMinorUnit } from '../../src/domain/money.ts';
import type { ReportKind } from '../../src/domain/report-columns.ts';
import { neutraliseFormula } from '../../src/reports/csv.ts';
import { sealed } from '../../src/reports/manifest.ts';

/** An attempt's line as a hand-made report has it. */
export type Line = {
  readonly id: string;
  readonly task: string;
  readonly attempt: number;
  readonly at: string;
  readonly code: string;
  readonly invoiced: boolean | null;
  readonly level: string;
  readonly price: string | null;
  readonly tier: string;
  readonly quantity: 1 | -1;
  readonly corrects: string;
  /** What decided; without it, a rule for the code. */
  readonly reason?: string;
  /** The vendor's counters of the whole task, and whether they match; without them, those of the discrepancies. */
  readonly counters?: readonly [attempts: number | null, invoiced: number | null, status: string];
};

const reasonOf = ({ code, invoiced, reason }: Line): string => {
  if (reason !== undefined) return reason;
  if (invoiced === null) return 'code_without_rule';
  return `${code === '' ? 'success' : 'code'}_${invoiced ? 'invoiced' : 'not_invoiced'}`;
};

export type Report = {
  readonly period?: string;
  readonly version?: number | null;
  readonly lines: readonly Line[];
  /** `null` = no price list. */
  readonly currency?: string | null;
  readonly minorDigits?: number;
  readonly minimum?: string | null;
  /** Amounts of minimum lines that correct a month. */
  readonly minimumCorrections?: readonly (readonly [period: string, amount: string])[];
  readonly discrepancies?: readonly (readonly [id: string, own: number, vendor: number])[];
};

export const line = (id: string, more: Partial<Line> = {}): Line => ({
  ...{ id, task: 'document_scan', attempt: 1, at: '2026-10-05T10:00:00Z', code: '', invoiced: true },
  ...{ level: 'advanced', price: '0.85', tier: 'flat', quantity: 1, corrects: '' },
  ...more,
});

/** A bit of everything: tiers, corrections of two months, a monthly minimum, hostile text, unclassified and unpriced. */
export const everything: Report = {
  version: 1,
  minimum: '500.00',
  minimumCorrections: [['2026-09', '-1.25']],
  discrepancies: [
    ['a-1', 2, 5],
    ['c-1', 3, 1],
  ],
  lines: [
    line('C-older', { at: '2026-10-31T23:59:59Z', level: '', price: '0.3333', tier: '1 to 1000' }),
    line('a-1', { tier: 'free to 100', price: '0.00' }),
    line('a-1', { attempt: 2, code: 'unknown_type_front', invoiced: false }),
    line('a-1', { attempt: 10, code: '=cmd(1,"x")', invoiced: null, at: '2026-10-01T00:00:00Z' }),
    line('a-1', { task: 'face_match', level: '', price: '0.25', tier: 'from 10001' }),
    line('b-1', { at: '2026-09-30T23:59:59Z', quantity: -1, corrects: '2026-09' }),
    line('b-1', { at: '2026-09-30T23:59:59Z', code: 'x', invoiced: false, corrects: '2026-09' }),
    line('b-2', { at: '2026-08-30T10:00:00Z', corrects: '2026-08', level: '1E10' }),
    line('c-1', { attempt: 4, code: '2026-10', level: 'TRUE', price: '1234.567891' }),
    line('d-1', { task: 'face_liveness', level: '', code: '001', invoiced: false, price: null, tier: '' }),
    line('😀', { code: 'é, "ü"; x', level: '007' }),
  ],
};

/** A report of few bytes. */
export const small: Report = { lines: [line('a-1')], minimum: '1.00', discrepancies: [['a-1', 1, 2]] };

const headers: Record<ReportKind, string> = {
  detail:
    'period,transaction_id,result_id,task_type,attempt,attempted_at,outcome_code,invoiced,reason,level,capture_source,linked,transaction_state,settled,unit_price,amount,currency,rule_table_version,price_list_version,is_correction,corrects_period,vendor_attempts,vendor_attempts_invoiced,counter_status,quantity,price_tier',
  summary:
    'period,record_type,task_type,level,attempts,invoiced,not_invoiced,unclassified,unit_price,amount,currency,vendor_counter,period_status,rule_table_version,price_list_version,is_correction,corrects_period',
  codes: 'period,task_type,outcome_code,attempts,invoiced,amount,currency,is_correction,corrects_period',
  discrepancies:
    'period,transaction_id,task_type,reason,own_quantity,vendor_quantity,difference,is_correction,corrects_period',
};

type Cell = string | number | bigint | boolean | null;
const csv = (kind: ReportKind, rows: readonly (readonly Cell[])[]): string =>
  [headers[kind], ...rows.map((row) => row.map(quoted).join(','))].map((text) => `${text}\r\n`).join('');
const quoted = (cell: Cell): string => {
  const text = cell === null ? '' : String(cell);
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
const bytewise = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const safe = neutraliseFormula;

/** Writes a whole report by hand: this adds up on its own, sharing nothing with what verifies it but money's digits. */
export function writeReportFolder(directory: string, report: Report): string {
  const { period = '2026-10', version = null, currency = 'EUR', minorDigits = 2, minimum = null } = report;
  const status = version === null ? 'provisional' : `v${version}`;
  const periodStatus = version === null ? 'provisional' : 'closed';
  const list = currency === null ? null : 'p1';
  const lines = report.lines.map((one) => (list === null ? { ...one, price: null, tier: '' } : one));
  const written = (micros: bigint | null) => (micros === null ? null : formatAmount(micros, minorDigits));
  const exact = (one: Line): bigint | null => {
    if (list === null || one.invoiced === null) return null;
    if (!one.invoiced) return 0n;
    return one.price === null ? null : BigInt(one.quantity) * parsePrice(one.price)!;
  };
  const price = (one: Line) => (one.price === null ? null : written(parsePrice(one.price)!));
  const sum = (of: readonly Line[], counts: (one: Line) => boolean = () => true) =>
    of.filter(counts).reduce((total, one) => total + one.quantity, 0);
  const unpriced = (of: readonly Line[]) =>
    sum(of, (one) => one.invoiced === true && one.price === null && one.quantity === 1);
  const amountOf = (of: readonly Line[]): bigint | null =>
    list === null || unpriced(of) !== 0 ? null : of.reduce((total, one) => total + (exact(one) ?? 0n), 0n);
  const groups = (key: (one: Line) => string[]): Line[][] =>
    [...Map.groupBy(lines, (one) => JSON.stringify(key(one))).entries()]
      .sort(([a], [b]) => bytewise(a, b))
      .map(([, group]) => group);

  const countersOf = (one: Line): NonNullable<Line['counters']> => {
    const counted = one.task === 'document_scan' && report.discrepancies?.find(([id]) => id === one.id);
    return one.counters ?? (counted ? [null, counted[2], 'mismatch'] : [null, null, 'absent']);
  };
  const detail = lines.map((one): Cell[] => [
    ...[period, safe(one.id), null, safe(one.task), one.attempt, one.at, safe(one.code), one.invoiced, reasonOf(one)],
    ...[safe(one.level), 'camera', false, 'completed', true, price(one), written(exact(one)), currency, 'r1', list],
    ...[one.corrects !== '', one.corrects, ...countersOf(one), one.quantity, one.tier],
  ]);
  type Sum = { cells: Cell[]; vendor: number | null; amount: bigint | null; corrects: string; of: readonly Line[] };
  const sums = groups((one) => [one.corrects, one.task, one.level, one.price ?? '']).map((of): Sum => {
    const [one] = of as [Line];
    const total = amountOf(of);
    const amount = total === null ? null : roundToMinorUnit(total, minorDigits);
    const counts = [sum(of), ...[true, false, null].map((value) => sum(of, ({ invoiced }) => invoiced === value))];
    const counted = of.filter((line) => countersOf(line)[1] !== null);
    return {
      cells: [safe(one.task), safe(one.level), ...counts, price(one), written(amount)],
      vendor: counted.length === 0 ? null : sum(counted, ({ invoiced }) => invoiced === true),
      ...{ amount, corrects: one.corrects, of },
    };
  });
  const addUp = (of: readonly Sum[]) =>
    of.reduce<bigint | null>((total, { amount }) => (total === null || amount === null ? null : total + amount), 0n);
  const minimumSum = (amount: bigint | null, corrects: string): Sum => ({
    ...{ cells: ['monthly_minimum', null, 0, 0, 0, 0, null, written(amount)], vendor: null },
    ...{ amount, corrects, of: [] },
  });
  const ordinary = addUp(sums.filter(({ corrects }) => corrects === ''));
  if (minimum !== null) {
    const gap = ordinary === null ? null : parsePrice(minimum)! - ordinary;
    sums.push(minimumSum(gap === null || gap > 0n ? gap : 0n, ''));
  }
  for (const [corrects, amount] of report.minimumCorrections ?? [])
    sums.push(minimumSum(amount.startsWith('-') ? -parsePrice(amount.slice(1))! : parsePrice(amount)!, corrects));
  sums.sort((a, b) => bytewise(a.corrects, b.corrects));
  const vendors = sums.flatMap(({ vendor }) => (vendor === null ? [] : [vendor]));
  const vendorCounter = vendors.length === 0 ? null : vendors.reduce((total, one) => total + one, 0);
  const summary = sums.map(({ cells, vendor, corrects }): Cell[] => [
    ...[period, 'LINE', ...cells, currency, vendor, periodStatus, cells[0] === 'monthly_minimum' ? null : 'r1', list],
    ...[corrects !== '', corrects],
  ]);
  const counts = [sum(lines), ...[true, false, null].map((value) => sum(lines, ({ invoiced }) => invoiced === value))];
  const total = list === null ? null : addUp(sums);
  summary.push([
    ...[
      period,
      'TOTAL',
      null,
      null,
      ...counts,
      null,
      written(total),
      currency,
      vendorCounter,
      periodStatus,
      null,
      list,
    ],
    ...[false, null],
  ]);
  const codes = groups((one) => [one.task, one.code, one.corrects]).map((of): Cell[] => {
    const [one] = of as [Line];
    return [
      ...[period, safe(one.task), safe(one.code), sum(of), sum(of, ({ invoiced }) => invoiced === true)],
      ...[written(amountOf(of)), currency, one.corrects !== '', one.corrects],
    ];
  });
  const discrepancies = (report.discrepancies ?? []).map(([id, own, vendor]): Cell[] => [
    ...[period, id, 'document_scan', 'invoiced_count_differs', own, vendor, vendor - own, false, null],
  ]);
  const files = { detail, summary, codes, discrepancies };
  mkdirSync(directory, { recursive: true });
  for (const [kind, rows] of Object.entries(files) as [ReportKind, Cell[][]][])
    writeFileSync(path.join(directory, `idscan-cost_${period}_${status}_${kind}.csv`), csv(kind, rows));
  const [attempts, invoiced, notInvoiced, unclassified] = counts;
  const [year = 0, month = 0] = period.split('-').map(Number);
  const manifest = {
    ...{ format: 'idscan-ledger-manifest-1', period, period_status: periodStatus, version, as_of: null },
    bounds: {
      start: `${period}-01T00:00:00Z`,
      end: new Date(Date.UTC(year, month, 1)).toISOString().replace('.000Z', 'Z'),
      time_zone: 'UTC',
    },
    control_totals: {
      ...{ attempts, invoiced, not_invoiced: notInvoiced, unclassified, amount: written(total) },
      ...{
        unrounded_amount: written(amountOf(lines)),
        currency,
        unpriced: unpriced(lines),
        vendor_counter: vendorCounter,
      },
      ...{ monthly_minimum: minimum, corrections: lines.filter(({ corrects }) => corrects !== '').length },
      ...{ discrepancies: discrepancies.length, unsettled_transactions: 0, unfetched_transactions: 0 },
    },
    rule_tables: { sha256: '0'.repeat(64), versions: ['r1'] },
    price_list: list === null ? null : { sha256: '0'.repeat(64), version: list, currency },
    files: Object.keys(files).map((kind) => ({ name: `idscan-cost_${period}_${status}_${kind}.csv` })),
  };
  writeFileSync(path.join(directory, 'manifest.json'), JSON.stringify(manifest));
  sealAgain(directory);
  return directory;
}

/** What a forger would do: brings hashes, sizes and row counts of a manifest up to date and seals it again. */
export function sealAgain(
  directory: string,
  edit: (manifest: Record<string, unknown>) => void = () => undefined,
  name = 'manifest.json',
): void {
  const file = path.join(directory, name);
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as { sha256?: string; files: { name: string }[] };
  delete manifest.sha256;
  manifest.files = manifest.files.map((entry) => {
    const bytes = readFileSync(path.join(directory, entry.name));
    const rows = bytes.toString('latin1').split('\n').length - 2;
    return {
      ...entry,
      ...{ name: entry.name, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length, rows },
    };
  });
  edit(manifest);
  writeFileSync(file, sealed(manifest));
}

/** The file of a kind in a report's folder; not a copy of it. */
export function fileOf(directory: string, kind: ReportKind): string {
  const name = readdirSync(directory).find((one) => one.endsWith(`_${kind}.csv`));
  if (name === undefined) throw new Error(`there is no ${kind} in ${directory}`);
  return name;
}

/** Changes a file's text. */
export function editFile(directory: string, name: string, edit: (text: string) => string): void {
  const file = path.join(directory, name);
  const text = readFileSync(file, 'utf8');
  const edited = edit(text);
  if (edited === text) throw new Error(`nothing to change in ${name}`);
  writeFileSync(file, edited);
}
