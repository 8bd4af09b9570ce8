import { knownFiles } from '../db/files.ts';
import type { ObligationEnd, Started } from '../db/obligations.ts';
import { errorCode } from '../errors.ts';
import type { VendorContext } from './context.ts';
import { isStored, storeDownload } from './file-store.ts';

/**
 * Stores a result's audit report, once. That the vendor has none (404, 410) is recorded and is a normal end: how long
 * and for which results reports are kept is not documented. Notes the end of the work.
 *
 * @throws LedgerError `vendor_…`, `file_…`, `storage_…`, `database_unavailable`
 */
export async function fetchAuditReport(
  context: VendorContext,
  transactionId: string,
  { resultId, fence }: Started,
): Promise<ObligationEnd['end']> {
  if (resultId !== null) await storeOnce(context, transactionId, resultId);
  await context.writes.finish({ key: { transactionId, kind: 'audit_report' }, fence });
  return 'done';
}

async function storeOnce(context: VendorContext, transactionId: string, resultId: string): Promise<void> {
  const { storedPlaces } = await knownFiles(context.db.kysely, transactionId, 'audit_report', (sha256) =>
    isStored(context.config.dataDir, sha256),
  );
  if (storedPlaces.size > 0) return;
  const place = { transaction_id: transactionId, kind: 'audit_report', origin: 'result', position: 0 } as const;
  try {
    const { sha256, bytes, mediaType } = await storeDownload(context.config.dataDir, 'pdf', (sink) =>
      context.vendor.downloadAuditReport(transactionId, resultId, sink),
    );
    await context.writes.recordFile({
      ...place,
      state: 'stored',
      sha256,
      bytes: String(bytes),
      media_type: mediaType,
    });
  } catch (error) {
    const code = errorCode(error);
    if (code !== 'vendor_not_found' && code !== 'vendor_gone') throw error;
    await context.writes.recordFile({ ...place, state: 'gone', error_code: code });
  }
}
