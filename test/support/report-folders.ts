import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { formatAmount, parsePrice, roundToMinorUnit } from '../../src/domain/money.ts';
import type { ReportKind } from '../../src/domain/report-columns.ts';
import { neutraliseFormula } from '../../src/reports/csv.ts';
import { type Line, reasonOf, type Report } from './report-samples.ts';
import { sealAgain } from './report-folder-edits.ts';

const headers: Record<ReportKind, string> = {
  references:
    'period,reference,task_type,level,attempts,invoiced,not_invoiced,unclassified,unit_price,amount,currency,rule_table_version,price_list_version,is_correction,corrects_period',
  detail:
    'period,transaction_id,result_id,task_type,attempt,attempted_at,outcome_code,invoiced,reason,level,capture_source,linked,transaction_state,settled,unit_price,amount,currency,rule_table_version,price_list_version,is_correction,corrects_period,vendor_attempts,vendor_attempts_invoiced,counter_status,quantity,price_tier',
  summary:
    'period,record_type,task_type,level,attempts,invoiced,not_invoiced,unclassified,unit_price,amount,currency,vendor_counter,period_status,rule_table_version,price_list_version,is_correction,corrects_period',
  codes: 'period,task_type,outcome_code,attempts,invoiced,amount,currency,is_correction,corrects_period',
  discrepancies:
    'period,transaction_id,task_type,reason,own_quantity,vendor_quantity,difference,is_correction,corrects_period',
};

/** What later layouts have besides. */
const laterHeaders: Partial<Record<ReportKind, string>> = {
  detail: ',reference',
  codes: ',not_invoiced,unclassified',
};

type Cell = string | number | bigint | boolean | null;
const csv = (header: string, rows: readonly (readonly Cell[])[]): string =>
  [header, ...rows.map((row) => row.map(quoted).join(','))].map((text) => `${text}\r\n`).join('');
const quoted = (cell: Cell): string => {
  const text = cell === null ? '' : String(cell);
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
const bytewise = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const safe = neutraliseFormula;

/** Writes a whole report by hand: this adds up on its own, sharing nothing with what verifies it but money's digits. */
export function writeReportFolder(directory: string, report: Report): string {
  const { period = '2026-10', version = null, currency = 'EUR', minorDigits = 2, minimum = null } = report;
  const { layout = 1 } = report;
  const later = (...cells: readonly Cell[]): readonly Cell[] => (layout === 1 ? [] : cells);
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
    period,
    safe(one.id),
    null,
    safe(one.task),
    one.attempt,
    one.at,
    safe(one.code),
    one.invoiced,
    reasonOf(one),
    safe(one.level),
    'camera',
    false,
    'completed',
    true,
    price(one),
    written(exact(one)),
    currency,
    'r1',
    list,
    one.corrects !== '',
    one.corrects,
    ...countersOf(one),
    one.quantity,
    one.tier,
    ...later(safe(one.reference ?? '')),
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
      amount,
      corrects: one.corrects,
      of,
    };
  });
  const addUp = (of: readonly Sum[]) =>
    of.reduce<bigint | null>((total, { amount }) => (total === null || amount === null ? null : total + amount), 0n);
  const minimumSum = (amount: bigint | null, corrects: string): Sum => ({
    cells: ['monthly_minimum', null, 0, 0, 0, 0, null, written(amount)],
    vendor: null,
    amount,
    corrects,
    of: [],
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
    period,
    'LINE',
    ...cells,
    currency,
    vendor,
    periodStatus,
    cells[0] === 'monthly_minimum' ? null : 'r1',
    list,
    corrects !== '',
    corrects,
  ]);
  const counts = [sum(lines), ...[true, false, null].map((value) => sum(lines, ({ invoiced }) => invoiced === value))];
  const total = list === null ? null : addUp(sums);
  summary.push([
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
    false,
    null,
  ]);
  const codes = groups((one) => [one.task, one.code, one.corrects]).map((of): Cell[] => {
    const [one] = of as [Line];
    const unclassified = sum(of, ({ invoiced }) => invoiced === null);
    return [
      period,
      safe(one.task),
      safe(one.code),
      sum(of),
      sum(of, ({ invoiced }) => invoiced === true),
      layout > 1 && unclassified > 0 ? null : written(amountOf(of)),
      currency,
      one.corrects !== '',
      one.corrects,
      ...later(
        sum(of, ({ invoiced }) => invoiced === false),
        unclassified,
      ),
    ];
  });
  const references = groups((one) => [one.reference ?? '', one.corrects, one.task, one.level, price(one) ?? '']).map(
    (of): Cell[] => {
      const [one] = of as [Line];
      const parts = [true, false, null].map((value) => sum(of, ({ invoiced }) => invoiced === value));
      return [
        period,
        safe(one.reference ?? ''),
        safe(one.task),
        safe(one.level),
        sum(of),
        ...parts,
        price(one),
        (parts[2] ?? 0) > 0 ? null : written(amountOf(of)),
        currency,
        'r1',
        list,
        one.corrects !== '',
        one.corrects,
      ];
    },
  );
  const discrepancies = (report.discrepancies ?? []).map(([id, own, vendor]): Cell[] => [
    period,
    id,
    'document_scan',
    'invoiced_count_differs',
    own,
    vendor,
    vendor - own,
    false,
    null,
  ]);
  const files = { detail, summary, ...(layout === 1 ? {} : { references }), codes, discrepancies };
  const headerOf = (kind: ReportKind) => headers[kind] + (layout === 1 ? '' : (laterHeaders[kind] ?? ''));
  mkdirSync(directory, { recursive: true });
  for (const [kind, rows] of Object.entries(files) as [ReportKind, Cell[][]][])
    writeFileSync(path.join(directory, `idscan-cost_${period}_${status}_${kind}.csv`), csv(headerOf(kind), rows));
  const [attempts, invoiced, notInvoiced, unclassified] = counts;
  const [year = 0, month = 0] = period.split('-').map(Number);
  const manifest = {
    format: 'idscan-ledger-manifest-1',
    period,
    period_status: periodStatus,
    version,
    ...(layout === 1 ? {} : { layout }),
    as_of: null,
    bounds: {
      start: `${period}-01T00:00:00Z`,
      end: new Date(Date.UTC(year, month, 1)).toISOString().replace('.000Z', 'Z'),
      time_zone: 'UTC',
    },
    control_totals: {
      attempts,
      invoiced,
      not_invoiced: notInvoiced,
      unclassified,
      amount: written(total),
      unrounded_amount: written(amountOf(lines)),
      currency,
      unpriced: unpriced(lines),
      vendor_counter: vendorCounter,
      monthly_minimum: minimum,
      corrections: lines.filter(({ corrects }) => corrects !== '').length,
      discrepancies: discrepancies.length,
      unsettled_transactions: 0,
      unfetched_transactions: 0,
    },
    rule_tables: { sha256: '0'.repeat(64), versions: ['r1'] },
    price_list: list === null ? null : { sha256: '0'.repeat(64), version: list, currency },
    files: Object.keys(files).map((kind) => ({ name: `idscan-cost_${period}_${status}_${kind}.csv` })),
  };
  writeFileSync(path.join(directory, 'manifest.json'), JSON.stringify(manifest));
  sealAgain(directory);
  return directory;
}
