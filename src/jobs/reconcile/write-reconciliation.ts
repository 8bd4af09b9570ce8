import type { CubeScope } from '../../db/cube-attempts.ts';
import { evidenceQuery } from '../../db/evidence.ts';
import { type Snapshot, withHashJoins } from '../../db/snapshot.ts';
import type { Findings } from '../../domain/reconciliation/findings.ts';
import { csvStream } from '../../reports/csv.ts';
import type { DraftFile } from '../../reports/draft-file.ts';
import { discardDrafts, writeDraft } from '../../reports/publish.ts';
import type { ReportFolder } from '../../reports/report-store.ts';
import { copiedCsv } from '../copied-csv.ts';
import {
  evidenceName,
  reconciliationCsv,
  type ReconciliationHead,
  reconciliationManifest,
  reconciliationManifestName,
  reconciliationName,
  reconciliationRows,
} from '../../reports/reconciliation-files.ts';

type WriteOptions = {
  readonly folder: ReportFolder;
  /** What the findings were found in. */
  readonly scope: CubeScope;
  readonly signal: AbortSignal | undefined;
};

/**
 * Writes a reconciliation's files beside the month's report, its manifest last.
 *
 * @throws LedgerError `storage_full`, `storage_failed`; nothing is published then.
 */
export async function writeReconciliation(
  snapshot: Snapshot,
  head: ReconciliationHead,
  found: Findings,
  { folder, scope, signal }: WriteOptions,
): Promise<DraftFile[]> {
  const drafts: DraftFile[] = [];
  const draft = async (name: string, chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> => {
    drafts.push(await writeDraft(folder.drafts, name, chunks, signal));
  };
  try {
    await draft(reconciliationName(head.period), csvStream(reconciliationCsv(head), reconciliationRows(found)));
    const evidence = evidenceQuery(scope, found.evidence);
    await withHashJoins(snapshot, () => draft(evidenceName(head.period), copiedCsv(snapshot, evidence)));
    await draft(reconciliationManifestName, [reconciliationManifest(head, found, drafts)]);
    await folder.publish(drafts);
    return drafts;
  } catch (error) {
    await discardDrafts(drafts);
    throw error;
  }
}
