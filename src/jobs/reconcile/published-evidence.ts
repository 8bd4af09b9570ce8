import type { PublishedFinding } from '../../reports/dispute/published-finding.ts';
import { openReconciliation } from '../../reports/dispute/source.ts';
import type { ReportStore } from '../../reports/report-store.ts';
import { original } from '../../reports/verify/cells.ts';
import type { Row } from '../../reports/verify/reading.ts';
import type { Context } from '../context.ts';
import type { MonthReconciliation } from './published-month.ts';

/** A transaction that a finding is about. */
export type EvidenceRow = {
  readonly transactionId: string;
  readonly taskType: string;
  readonly attempt: string;
  readonly attemptedAt: Date | null;
  readonly outcomeCode: string;
  readonly ownInvoiced: boolean | null;
  readonly vendorInvoiced: boolean | null;
  readonly note: string;
};

/**
 * The first rows of the evidence of a finding. The file is read as far as they reach.
 *
 * @throws LedgerError `reconciliation_changed`
 */
export async function firstEvidence(
  { reports }: Context,
  period: string,
  { manifestSha256 }: Pick<MonthReconciliation, 'manifestSha256'>,
  { id, evidenceRows }: Pick<PublishedFinding, 'id' | 'evidenceRows'>,
  most: number,
): Promise<EvidenceRow[]> {
  const wanted = Math.min(most, evidenceRows);
  const rows: EvidenceRow[] = [];
  if (wanted === 0) return rows;
  for await (const row of evidenceOf(reports, period, manifestSha256, id)) {
    rows.push(row);
    if (rows.length === wanted) break;
  }
  return rows;
}

/**
 * The evidence of a finding, a row at a time, as the file has it.
 *
 * @throws LedgerError `reconciliation_changed`
 */
export async function* evidenceOf(
  reports: ReportStore,
  period: string,
  manifestSha256: string,
  finding: string,
): AsyncGenerator<EvidenceRow> {
  const source = await openReconciliation(reports.folder(period), period, manifestSha256);
  let isFound = false;
  for await (const row of source.evidence()) {
    const isOf = row.cell('finding') === finding;
    // The file is in order of findings: what follows is about others.
    if (isFound && !isOf) return;
    isFound = isOf;
    if (isOf) yield evidenceRow(row);
  }
}

const evidenceRow = ({ cell }: Row): EvidenceRow => ({
  transactionId: original(cell('transaction_id')),
  taskType: original(cell('task_type')),
  attempt: cell('attempt'),
  attemptedAt: cell('attempted_at') === '' ? null : new Date(cell('attempted_at')),
  outcomeCode: original(cell('outcome_code')),
  ownInvoiced: booleanOf(cell('own_invoiced')),
  vendorInvoiced: booleanOf(cell('vendor_invoiced')),
  note: cell('note'),
});

const booleanOf = (cell: string): boolean | null => (cell === '' ? null : cell === 'true');
