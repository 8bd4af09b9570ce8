import type { FetchedFiles } from '../../db/files.ts';
import type { ObligationEnd, Started } from '../../db/obligations.ts';
import { errorCode } from '../../errors.ts';
import { openedStore, type VendorContext } from '../context.ts';
import { type Storing, storing } from './download.ts';
import { type ExaminedFile, examineHeldFiles, foundAgain, isAsRecorded, stillMissing } from './held-files.ts';
import { areKept, endUnkept } from './kept.ts';
import { recordStored } from './record-stored.ts';

/**
 * Stores the audit report of a result, once. If the vendor has none (404, 410), that is recorded and is a normal end:
 * the vendor does not document for which results, or for how long, it keeps reports. The file and the end of the
 * obligation are recorded together. What is older than reports are kept is not fetched.
 *
 * @throws LedgerError `vendor_…`, `file_…`, `storage_…`, `database_unavailable`
 */
export async function fetchAuditReport(
  context: VendorContext,
  transactionId: string,
  started: Started,
): Promise<ObligationEnd['end']> {
  const { fence } = started;
  const storage = storing(openedStore(context), { transactionId, kind: 'audit_report', fence });
  if (!(await areKept(context, transactionId, 'audit_report')))
    return endUnkept(context, transactionId, 'audit_report', started);
  const held = [...(await examineHeldFiles(context, transactionId, 'audit_report', started)).values()];
  const files = await filesToRecord(context, transactionId, started, { storage, held: held[0] });
  return recordStored(context, { transactionId, kind: 'audit_report', fence, files, isDone: true }, { storage, held });
}

type Storage = { readonly storage: Storing; readonly held: ExaminedFile | undefined };

async function filesToRecord(
  context: VendorContext,
  transactionId: string,
  { resultId }: Started,
  { storage, held }: Storage,
): Promise<FetchedFiles['files']> {
  if (resultId === null) return [];
  if (held?.found === 'stored') return isAsRecorded(held) ? [] : [foundAgain(held)];
  const place = { origin: 'result', position: 0 };
  try {
    const stored = await storage.storeDownload(place, 'pdf', (sink) =>
      context.vendor.downloadAuditReport(transactionId, resultId, sink),
    );
    return [{ ...place, state: 'stored', ...stored }];
  } catch (error) {
    const code = errorCode(error);
    if (code !== 'vendor_not_found' && code !== 'vendor_gone') throw error;
    return [held ? stillMissing(held, code) : { ...place, state: 'gone', error_code: code }];
  }
}
