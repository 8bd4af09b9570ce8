import { findingDecisions, lastManifest } from '../../db/reconciliations.ts';
import type { Queries } from '../../db/database.ts';
import { openFindings } from '../../db/settlements.ts';
import { keptInvoices } from '../../db/vendor-invoices.ts';
import { minorUnitDigits } from '../../domain/money.ts';
import { isAskedFor } from '../../domain/reconciliation/asked.ts';
import { countingDecision, decisionsOn, isOpen, standingOf } from '../../domain/reconciliation/standing.ts';
import { LedgerError } from '../../errors.ts';
import { csvStream } from '../../reports/csv.ts';
import { type PublishedFinding, publishedFinding } from '../../reports/dispute/published-finding.ts';
import {
  disputeCsv,
  disputeEvidenceCsv,
  disputeEvidenceName,
  disputeFolder,
  type DisputeHead,
  disputeManifest,
  disputeManifestName,
  disputeName,
  languages,
  letterName,
} from '../../reports/dispute/files.ts';
import { letter } from '../../reports/dispute/letter.ts';
import {
  moreThanFiles,
  openReconciliation,
  type PublishedReconciliation,
  reconciliationChanged,
} from '../../reports/dispute/source.ts';
import type { DraftFile } from '../../reports/draft-file.ts';
import { localFolder } from '../../reports/folder-reports.ts';
import { manifestName } from '../../reports/names.ts';
import { discardDrafts, removeStaleDrafts, writeDraft } from '../../reports/publish.ts';
import { notThere, type ReportFolder } from '../../reports/report-store.ts';
import type { Row } from '../../reports/verify/reading.ts';
import type { Context } from '../context.ts';
import { withReconcileLock } from './reconcile-lock.ts';

export type Dispute = {
  readonly head: DisputeHead;
  /** Where its files are, for people. */
  readonly directory: string;
  readonly files: readonly DraftFile[];
};

/**
 * Writes what is sent to the vendor about a month: letters, the disputed findings, their evidence, and a manifest. All of
 * it comes from the published reconciliation, so that the vendor sees what the books show.
 *
 * @param options.out the folder; `undefined` = beside the month's own.
 * @throws LedgerError `reconciliation_missing`, `reconciliation_changed`, `nothing_disputed`, `report_busy`,
 * `usage_invalid`, `storage_full`, `storage_failed`, `database_unavailable`
 */
export async function disputeMonth(
  context: Context,
  period: string,
  { out, signal }: { readonly out: string | undefined; readonly signal: AbortSignal },
): Promise<Dispute> {
  const { reports } = context;
  const folder = out === undefined ? reports.folder(disputeFolder(period)) : localFolder(out);
  const entries = (await folder.list().catch(notThere)) ?? [];
  if (entries.some(({ name }) => name === manifestName))
    throw new LedgerError('usage_invalid', `${folder.place} is the folder of a report.`, {
      hint: 'Give --out a folder of its own.',
    });
  return withReconcileLock(context.db, period, async ({ queries }) => {
    const manifestSha256 = await lastManifest(queries, period);
    if (manifestSha256 === undefined)
      throw new LedgerError('reconciliation_missing', `${period} was never reconciled.`, {
        fields: { period },
        hint: `Give its invoice: /reports/${period}/invoice in the browser, or npx idscan-ledger reconcile ${period} --invoice <file>`,
      });
    const source = await openReconciliation(reports.folder(period), period, manifestSha256);
    const findings = await disputedIn(source, queries, period);
    const head = await headOf(source, findings, queries, period);
    return { head, directory: folder.place, files: await write(source, head, folder, signal) };
  });
}

/** Reads what is disputed, and refuses files that are older than what was decided or credited. */
async function disputedIn(
  source: PublishedReconciliation,
  queries: Queries,
  period: string,
): Promise<PublishedFinding[]> {
  const decided = await findingDecisions(queries, period);
  const left = new Map((await openFindings(queries)).map((one) => [`${one.period} ${one.finding}`, one.left]));
  const disputed: PublishedFinding[] = [];
  for await (const row of source.rows()) {
    if (row.cell('record_type') !== 'FINDING') continue;
    const finding = publishedFinding(row);
    const about = decisionsOn(decided.get(finding.id) ?? [], finding.amount);
    const decision = countingDecision(about, finding.amount - finding.settled)?.decision;
    const isLeft = isOpen(standingOf(finding.amount, finding.settled, decision).state);
    if (
      row.cell('decision') !== (decision ?? '') ||
      (isLeft ? finding.amount - finding.settled : undefined) !== left.get(`${period} ${finding.id}`)
    )
      throw reconciliationChanged(period, moreThanFiles(period));
    const open = { amount: finding.amount, left: finding.amount - finding.settled, decision: decision ?? null };
    if (isLeft && isAskedFor(open, minorUnitDigits(source.manifest.currency))) disputed.push(finding);
  }
  if (disputed.length > 0) return disputed;
  throw new LedgerError('nothing_disputed', `No finding of ${period} is disputed and open.`, {
    fields: { period },
    hint: `Decide it: on a finding’s page below /reports/${period}/invoice, or npx idscan-ledger reconcile ${period} --decide <finding>=dispute --reason <text>`,
  });
}

async function headOf(
  { manifestSha256, manifest }: PublishedReconciliation,
  findings: readonly PublishedFinding[],
  queries: Queries,
  period: string,
): Promise<DisputeHead> {
  const { currency, invoices } = manifest;
  const kept = await keptInvoices(queries, period);
  const isSame = ({ sha256 }: (typeof invoices)[number]) => kept.some(({ fileSha256 }) => fileSha256 === sha256);
  if (kept.length !== invoices.length || !invoices.every(isSame))
    throw reconciliationChanged(period, `Other invoices are kept for ${period} than its files are about.`);
  return {
    period,
    currency,
    invoices: kept
      .filter(({ isCreditNote }) => !isCreditNote)
      .map(({ number, fileSha256, issueDate }) => ({ number, sha256: fileSha256, issueDate })),
    reconciliationSha256: manifestSha256,
    findings,
  };
}

async function write(
  source: PublishedReconciliation,
  head: DisputeHead,
  folder: ReportFolder,
  signal: AbortSignal,
): Promise<DraftFile[]> {
  const { period, findings } = head;
  const ids = new Set(findings.map(({ id }) => id));
  const drafts: DraftFile[] = [];
  const draft = async (name: string, chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> => {
    drafts.push(await writeDraft(folder.drafts, name, chunks, signal));
  };
  await removeStaleDrafts(folder.drafts);
  try {
    for (const language of languages) await draft(letterName(period, language), [letter(head, language)]);
    await draft(disputeName(period), csvStream(disputeCsv, rowsOf(source.rows(), ids)));
    await draft(disputeEvidenceName(period), csvStream(disputeEvidenceCsv, rowsOf(source.evidence(), ids)));
    await draft(disputeManifestName, [disputeManifest(head, drafts)]);
    await folder.publish(drafts);
    return drafts;
  } catch (error) {
    await discardDrafts(drafts);
    throw error;
  }
}

async function* rowsOf(rows: AsyncIterable<Row>, ids: ReadonlySet<string>): AsyncGenerator<Row> {
  for await (const row of rows) if (ids.has(row.cell('finding'))) yield row;
}
