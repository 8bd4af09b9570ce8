import { type FindingDecision, findingDecisions, lastManifest } from '../../db/reconciliations.ts';
import { settledFindings } from '../../db/settlements.ts';
import { type Differing, differingCredits } from '../../domain/reconciliation/earlier.ts';
import type { Finding, Findings } from '../../domain/reconciliation/findings.ts';
import type { LineFacts } from '../../domain/reconciliation/line-facts.ts';
import { type Micros, storedAmount } from '../../domain/money.ts';
import { isOpen, standingOf } from '../../domain/reconciliation/standing.ts';
import { type PublishedFinding, publishedFinding } from '../../reports/dispute/published-finding.ts';
import { openReconciliation } from '../../reports/dispute/source.ts';
import { placeOf, type ReconciliationHead, stateOf } from '../../reports/reconciliation-files.ts';
import { original } from '../../reports/verify/cells.ts';
import type { Row } from '../../reports/verify/reading.ts';
import type { Context } from '../context.ts';
import { type Carried, claimsBefore, decidedAs } from './settle-credits.ts';

/** What a reconciliation found, as it is shown: the same before it is kept and after it was published. */
export type ShownReconciliation = {
  readonly currency: string;
  readonly basis: 'closed' | 'restated';
  readonly isProvisional: boolean;
  readonly invoices: readonly { readonly number: string; readonly isCreditNote: boolean }[];
  readonly usageName: string | null;
  readonly totals: { readonly own: Micros; readonly vendor: Micros; readonly difference: Micros };
  /** What is open first, the largest amounts first. */
  readonly findings: readonly PublishedFinding[];
  readonly matches: readonly MatchedLine[];
  /** Credits that name several earlier findings and come to another sum. */
  readonly differing: ReadonlyMap<string, Differing>;
};

export type MatchedLine = {
  readonly invoiceNumber: string;
  readonly invoiceLine: string;
  readonly taskType: string;
  readonly level: string;
  readonly quantity: bigint | null;
  readonly amount: Micros | null;
};

/** A month's reconciliation as it was published last, and how far its findings are by now. */
export type MonthReconciliation = ShownReconciliation & {
  readonly manifestSha256: string;
  /** Those that count, and those about another amount, which do not. */
  readonly decisions: ReadonlyMap<string, FindingDecision>;
  readonly former: ReadonlyMap<string, FindingDecision>;
  /** What is still open of earlier months by now. */
  readonly carried: readonly Carried[];
  /** The files are older than what was decided or credited. */
  readonly isBehind: boolean;
};

/**
 * Reads a month's reconciliation from its files. How far a finding is, is read from the books: a credit of a later month
 * may have settled it since.
 *
 * @returns `undefined` if the month was never reconciled.
 * @throws LedgerError `reconciliation_changed`
 */
export async function publishedMonth(
  { db, reports }: Context,
  period: string,
): Promise<MonthReconciliation | undefined> {
  const manifestSha256 = await lastManifest(db.kysely, period);
  if (manifestSha256 === undefined) return undefined;
  const source = await openReconciliation(reports.folder(period), period, manifestSha256);
  const last = await findingDecisions(db.kysely, period);
  const open = await settledFindings(db.kysely);
  const settled = new Map(open.flatMap((one) => (one.period === period ? [[one.finding, one.settled]] : [])));
  const [decisions, former] = [new Map<string, FindingDecision>(), new Map<string, FindingDecision>()];
  const findings: PublishedFinding[] = [];
  const matches: MatchedLine[] = [];
  let isBehind = false;
  for await (const row of source.rows()) {
    const type = row.cell('record_type');
    if (type === 'MATCH') matches.push(matchedRow(row));
    if (type !== 'FINDING') continue;
    const finding = publishedFinding(row);
    const part = settled.get(finding.id) ?? 0n;
    const { counting, before } = decidedAs(last.get(finding.id), finding.amount, finding.amount - part);
    if (counting) decisions.set(finding.id, counting);
    if (before) former.set(finding.id, before);
    const standing = standingOf(finding.amount, part, counting?.decision);
    findings.push({ ...finding, ...standing });
    if (row.cell('decision') !== (counting?.decision ?? '') || finding.settled !== standing.settled) isBehind = true;
  }
  const { manifest } = source;
  const carried = claimsBefore(open, period, manifest.currency);
  const { own_amount: own, vendor_amount: vendor, amount_difference: difference } = manifest.totals;
  return {
    manifestSha256,
    currency: manifest.currency,
    basis: manifest.basis,
    isProvisional: manifest.is_provisional,
    invoices: manifest.invoices.map(({ number, is_credit_note: isCreditNote }) => ({ number, isCreditNote })),
    usageName: manifest.usage?.name ?? null,
    totals: { own: storedAmount(own), vendor: storedAmount(vendor), difference: storedAmount(difference) },
    findings: inOrder(findings),
    matches,
    decisions,
    former,
    carried,
    differing: differingCredits(unmatchedCredits(findings), carried, manifest.currency),
    isBehind,
  };
}

const unmatchedCredits = (findings: readonly PublishedFinding[]) =>
  findings
    .filter(({ cause, settled }) => cause === 'credit' && settled === 0n)
    .map(({ id, amount, subject }) => ({ id, left: amount, description: subject }));

/** What was found and not kept yet. */
export function shownReconciliation(
  head: ReconciliationHead,
  { findings, matches, total }: Findings,
): ShownReconciliation {
  return {
    currency: head.currency,
    basis: head.basis,
    isProvisional: head.isProvisional,
    invoices: head.invoices,
    usageName: head.usage?.name ?? null,
    totals: { own: total.ownAmount, vendor: total.vendorAmount, difference: total.amountDifference },
    findings: inOrder(findings.map((one) => shownFinding(one, head))),
    matches: matches.map((one) => matchedLine(one, head)),
    differing: head.differing,
  };
}

const size = ({ amount }: PublishedFinding): bigint => (amount < 0n ? -amount : amount);

function inOrder(findings: readonly PublishedFinding[]): PublishedFinding[] {
  const rank = (one: PublishedFinding) => (isOpen(one.state) ? 0 : 1);
  return [...findings].sort((a, b) => rank(a) - rank(b) || Number(size(a) < size(b)) - Number(size(a) > size(b)));
}

const placeIn = (head: ReconciliationHead, one: Parameters<typeof placeOf>[1]) => {
  const { number: invoiceNumber, line } = placeOf(head, one);
  return { invoiceNumber, invoiceLine: line ?? '' };
};

const shownFinding = (one: Finding, head: ReconciliationHead): PublishedFinding => ({
  id: one.id,
  ...placeIn(head, one),
  taskType: one.taskType ?? '',
  level: one.level ?? '',
  effect: one.effect,
  cause: one.cause,
  subject: one.subject,
  certainty: one.certainty,
  alternatives: one.alternatives,
  likelyWrong: one.likelyWrong,
  ownQuantity: one.ownQuantity,
  vendorQuantity: one.vendorQuantity,
  quantity: one.quantityDifference,
  ownPrice: one.ownUnitPrice,
  vendorPrice: one.vendorUnitPrice,
  ownAmount: one.ownAmount,
  vendorAmount: one.vendorAmount,
  amount: one.amountDifference,
  settled: head.standings.get(one.id)?.settled ?? 0n,
  evidenceRows: one.evidenceRows,
  state: stateOf(head, one.id),
});

const matchedLine = (line: LineFacts, head: ReconciliationHead): MatchedLine => ({
  ...placeIn(head, line),
  taskType: line.taskType ?? '',
  level: line.level ?? '',
  quantity: line.ownQuantity,
  amount: line.ownAmount,
});

const matchedRow = ({ cell }: Row): MatchedLine => ({
  invoiceNumber: original(cell('invoice_number')),
  invoiceLine: original(cell('invoice_line')),
  taskType: original(cell('task_type')),
  level: original(cell('level')),
  quantity: cell('own_quantity') === '' ? null : BigInt(cell('own_quantity')),
  amount: cell('own_amount') === '' ? null : storedAmount(cell('own_amount')),
});
