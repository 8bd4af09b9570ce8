import type { Findings } from '../../domain/reconciliation/findings.ts';
import { csvStream, headerLine } from '../../reports/csv.ts';
import type { DraftFile } from '../../reports/draft-file.ts';
import { discardDrafts, publishDrafts, writeDraft } from '../../reports/publish.ts';
import {
  evidenceHeaders,
  evidenceName,
  reconciliationCsv,
  type ReconciliationHead,
  reconciliationManifest,
  reconciliationManifestName,
  reconciliationName,
  reconciliationRows,
} from '../../reports/reconciliation-files.ts';

/**
 * Writes a reconciliation's files beside the month's report, its manifest last.
 *
 * @throws LedgerError `storage_full`, `storage_failed`; nothing is published then.
 */
export async function writeReconciliation(
  head: ReconciliationHead,
  found: Findings,
  { directory, signal }: { readonly directory: string; readonly signal: AbortSignal | undefined },
): Promise<DraftFile[]> {
  const drafts: DraftFile[] = [];
  const draft = async (name: string, chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> => {
    drafts.push(await writeDraft(directory, name, chunks, signal));
  };
  try {
    await draft(reconciliationName(head.period), csvStream(reconciliationCsv(head), reconciliationRows(found)));
    await draft(evidenceName(head.period), [headerLine(evidenceHeaders)]);
    await draft(reconciliationManifestName, [reconciliationManifest(head, found, drafts)]);
    await publishDrafts(directory, drafts);
    return drafts;
  } catch (error) {
    await discardDrafts(drafts);
    throw error;
  }
}
