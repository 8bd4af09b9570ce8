import { formatAmount, type Micros, minorUnitDigits } from '../domain/money.ts';
import type { Finding, Findings } from '../domain/reconciliation/findings.ts';
import type { LineFacts } from '../domain/reconciliation/line-facts.ts';
import type { Differing } from '../domain/reconciliation/earlier.ts';
import { reconciliationColumns, type ReconciliationHeader } from '../domain/reconciliation/columns.ts';
import { type FindingName, isOpen, type Standing } from '../domain/reconciliation/standing.ts';
import type { CsvColumn, CsvValue } from './csv.ts';
import type { DraftFile } from './draft-file.ts';
import { sealed } from './manifest.ts';

/** The names of a reconciliation's files, which lie beside the report's. */
export const reconciliationName = (period: string): string => `idscan-cost_${period}_reconciliation.csv`;
export const evidenceName = (period: string): string => `idscan-cost_${period}_reconciliation-evidence.csv`;
export const reconciliationManifestName = 'reconciliation.json';
export const reconciliationFormat = 'idscan-ledger-reconciliation-1';

/** A file of the vendor's, and the layout that it was read by; `null` = it was read without one. */
type ReadFile = {
  readonly sha256: string;
  readonly layout: { readonly name: string; readonly sha256: string } | null;
};

/** What all rows have in common, and what was decided. */
export type ReconciliationHead = {
  readonly period: string;
  readonly basis: 'closed' | 'restated';
  /** The month has ended and is still open. */
  readonly isProvisional: boolean;
  readonly currency: string;
  readonly minorDigits: number;
  readonly invoices: readonly (ReadFile & { readonly number: string; readonly isCreditNote: boolean })[];
  /** The usage statement that attempts were matched with; `null` = there is none. */
  readonly usage: (ReadFile & { readonly name: string }) | null;
  /** The last decision about each finding that has one about its amount. */
  readonly decisions: ReadonlyMap<string, { readonly decision: string }>;
  /** The last decision about each finding that came to another amount then. It counts no more. */
  readonly former: ReadonlyMap<string, { readonly decision: string; readonly amount: Micros | null }>;
  /** How far each finding is. */
  readonly standings: ReadonlyMap<string, Standing>;
  /** What is disputed or expected, and still open, of earlier months. */
  readonly carried: readonly CarriedFinding[];
  /** Credits that name several earlier findings and come to another sum. */
  readonly differing: ReadonlyMap<string, Differing>;
};

export type CarriedFinding = FindingName & {
  readonly decision: string;
  readonly amount: Micros;
  readonly left: Micros;
  readonly since: Date;
  readonly currency: string;
  readonly cause: string;
  readonly subject: string;
};

type Row =
  | { readonly type: 'MATCH'; readonly line: LineFacts }
  | { readonly type: 'FINDING'; readonly line: Finding }
  | { readonly type: 'TOTAL'; readonly line: Findings['total'] };

/** Lines without difference, then findings, then the total: once and last. */
export function* reconciliationRows({ matches, findings, total }: Findings): Generator<Row> {
  for (const line of matches) yield { type: 'MATCH', line };
  for (const line of findings) yield { type: 'FINDING', line };
  yield { type: 'TOTAL', line: total };
}

export function reconciliationCsv(head: ReconciliationHead): CsvColumn<Row>[] {
  const money = (amount: Micros | null) => (amount === null ? null : formatAmount(amount, head.minorDigits));
  const ofLine = (read: (line: LineFacts) => CsvValue) => (row: Row) => (row.type === 'TOTAL' ? null : read(row.line));
  const ofFinding = (read: (line: Finding) => CsvValue) => (row: Row) =>
    row.type === 'FINDING' ? read(row.line) : null;
  const values: Readonly<Record<ReconciliationHeader, (row: Row) => CsvValue>> = {
    period: () => head.period,
    record_type: ({ type }) => type,
    finding: ofFinding(({ id }) => id),
    invoice_number: (row) => (row.type === 'TOTAL' ? numbersOf(head.invoices) : placeOf(head, row.line).number),
    invoice_line: ofLine((line) => placeOf(head, line).line),
    task_type: ofLine(({ taskType }) => taskType),
    level: ofLine(({ level }) => level),
    effect: ofFinding(({ effect }) => effect),
    cause: ofFinding(({ cause }) => cause),
    subject: ofFinding(({ subject }) => subject),
    certainty: ofFinding(({ certainty }) => certainty),
    alternatives: ofFinding(({ alternatives }) => alternatives || null),
    own_quantity: ofLine(({ ownQuantity }) => ownQuantity),
    vendor_quantity: ofLine(({ vendorQuantity }) => vendorQuantity),
    quantity_difference: (row) => differenceOf(row),
    own_unit_price: ofLine(({ ownUnitPrice }) => money(ownUnitPrice)),
    vendor_unit_price: ofLine(({ vendorUnitPrice }) => money(vendorUnitPrice)),
    own_amount: ({ line }) => money(line.ownAmount),
    vendor_amount: ({ line }) => money(line.vendorAmount),
    amount_difference: (row) => money(row.type === 'MATCH' ? 0n : row.line.amountDifference),
    currency: () => head.currency,
    likely_wrong: ofFinding(({ likelyWrong }) => likelyWrong),
    decision: ofFinding(({ id }) => head.decisions.get(id)?.decision ?? null),
    evidence_rows: ofFinding(({ evidenceRows }) => evidenceRows),
    settled_amount: ofFinding(({ id }) => money(head.standings.get(id)?.settled ?? 0n)),
    state: ofFinding(({ id }) => stateOf(head, id)),
  };
  return reconciliationColumns.map(({ header, type }) => ({ header, value: values[header], isText: type === 'text' }));
}

const numbersOf = (invoices: ReconciliationHead['invoices']): string => invoices.map(({ number }) => number).join('+');

/**
 * Where a line stands, as the vendor numbers it. Lines of several invoices were named by theirs, too, so that they could
 * be told apart; that stays where one stands on several.
 */
export function placeOf(
  { invoices }: Pick<ReconciliationHead, 'invoices'>,
  { invoiceLine, ...of }: Pick<LineFacts, 'invoiceLine'> & Partial<Pick<Finding, 'invoiceNumber'>>,
): { readonly number: string; readonly line: string | null } {
  const charging = invoices.filter(({ isCreditNote }) => !isCreditNote);
  // The longest first: of invoices A and A:1, line A:1:5 is the second one's.
  const byLength = [...charging].sort((a, b) => b.number.length - a.number.length);
  const all = numbersOf(charging);
  const { invoiceNumber = all } = of;
  const lines = invoiceLine?.split('+') ?? [];
  const own =
    charging.length > 1 && invoiceNumber === all && lines.length > 0
      ? byLength.find(({ number }) => lines.every((line) => line.startsWith(`${number}:`)))
      : undefined;
  if (!own) return { number: invoiceNumber, line: invoiceLine };
  return { number: own.number, line: lines.map((line) => line.slice(own.number.length + 1)).join('+') };
}

function differenceOf(row: Row): bigint | null {
  switch (row.type) {
    case 'MATCH':
      return 0n;
    case 'FINDING':
      return row.line.quantityDifference;
    case 'TOTAL':
      return null;
    default:
      return row satisfies never;
  }
}

/** What a reconciliation's files are: names and hashes, what was held against what, and the totals. */
export function reconciliationManifest(
  head: ReconciliationHead,
  { findings, total }: Findings,
  files: readonly DraftFile[],
): Buffer {
  const money = (amount: Micros) => formatAmount(amount, head.minorDigits);
  return sealed({
    format: reconciliationFormat,
    period: head.period,
    basis: head.basis,
    is_provisional: head.isProvisional,
    currency: head.currency,
    invoices: head.invoices.map(({ number, sha256, isCreditNote, layout }) => ({
      number,
      sha256,
      is_credit_note: isCreditNote,
      layout: layout && { name: layout.name, sha256: layout.sha256 },
    })),
    usage: head.usage,
    totals: {
      own_amount: money(total.ownAmount),
      vendor_amount: money(total.vendorAmount),
      amount_difference: money(total.amountDifference),
      findings: findings.length,
      open_findings: openFindings(findings, head).length,
    },
    carried_over: head.carried.map((one) => carriedOver(one)),
    files: files.map(({ name, sha256, bytes, rows }) => ({ name, sha256, bytes, rows })),
  });
}

/** A finding of an earlier month as files write it. Its age would change by the clock: the day it began does not. */
export const carriedOver = ({ amount, left, since, ...one }: CarriedFinding) => ({
  period: one.period,
  finding: one.finding,
  cause: one.cause,
  subject: one.subject,
  decision: one.decision,
  amount: formatAmount(amount, minorUnitDigits(one.currency)),
  amount_left: formatAmount(left, minorUnitDigits(one.currency)),
  currency: one.currency,
  since: since.toISOString().slice(0, 10),
});

export const stateOf = ({ standings }: Pick<ReconciliationHead, 'standings'>, finding: string) =>
  standings.get(finding)?.state ?? 'open';

/** Findings that are neither accepted nor settled whole. What is disputed or expected is still open. */
export const openFindings = (
  findings: readonly Finding[],
  head: Pick<ReconciliationHead, 'standings'>,
): readonly Finding[] => findings.filter(({ id }) => isOpen(stateOf(head, id)));
