import { createHash } from 'node:crypto';
import { type FilePlace, type FileRecord, placeKey, type StoredFile } from '../../db/files.ts';
import type { ObligationEnd, Started } from '../../db/obligations.ts';
import type { FileLink, ResultFacts, TransactionFacts } from '../../domain/facts.ts';
import { type ErrorCode, storeCodes } from '../../error-table.ts';
import { errorCode, LedgerError } from '../../errors.ts';
import { openedStore, type VendorContext } from '../context.ts';
import { type Storing, storing } from './download.ts';
import { type ExaminedFile, examineHeldFiles, foundAgain, isAsRecorded, stillMissing } from './held-files.ts';
import { areKept, endUnkept } from './kept.ts';
import { recordStored } from './record-stored.ts';

type Offer = FileLink & FilePlace;

/** Failures of the vendor or the store, which the transaction's other files would meet, too. */
const endsAll: readonly ErrorCode[] = ['vendor_rate_limited', 'interrupted', ...storeCodes];

/** The state of a file after a failed download; `undefined` = the job is tried again. */
const fileEnds: Partial<Record<ErrorCode, 'gone' | 'refused'>> = {
  vendor_not_found: 'gone',
  vendor_gone: 'gone',
  vendor_url_refused: 'refused',
  vendor_answer_too_large: 'refused',
};

/**
 * Stores the files that the result offers or, for a transaction without a result, those that its attempts offer. A file
 * that is stored already is not downloaded again. A file that is gone or refused is recorded as such, which is a normal
 * end. A failure that may pass is thrown after the other files are done. All files and the end of the obligation are
 * recorded together. What is older than files are kept is not fetched.
 *
 * @throws LedgerError `vendor_…`, `file_…`, `storage_…`, `database_unavailable`
 */
export async function fetchDocuments(
  context: VendorContext,
  transactionId: string,
  started: Started,
): Promise<ObligationEnd['end']> {
  const { fence } = started;
  const storage = storing(openedStore(context), { transactionId, kind: 'document', fence });
  if (!(await areKept(context, transactionId, 'document')))
    return endUnkept(context, transactionId, 'document', started);
  const offered =
    started.resultId === null
      ? scanOffers(await context.vendor.getTransaction(transactionId))
      : resultOffers(await context.vendor.getResult(transactionId, started.resultId));
  const held = await examineHeldFiles(context, transactionId, 'document', started);
  const byUrl = contentsByUrl(held);
  const open = offered.filter((offer) => {
    const known = held.get(placeKey(offer));
    return !known || !isAsRecorded(known);
  });
  const files: DocumentRecord[] = [];
  const failures: unknown[] = [];
  for (const offer of open) {
    const known = held.get(placeKey(offer));
    try {
      files.push(
        known?.found === 'stored' ? foundAgain(known) : await documentRecord(context, offer, known, { storage, byUrl }),
      );
    } catch (error) {
      const code = errorCode(error);
      if (endsAll.includes(code)) {
        // The other files would fail in the same way.
        failures.unshift(error);
        break;
      }
      failures.push(error);
      files.push(endRecord(offer, known, 'refused', code));
    }
  }
  const isDone = failures.length === 0;
  if (isDone) files.push(...withdrawnRecords(started, offered, held));
  const end = await recordStored(
    context,
    { transactionId, kind: 'documents', fence, files, isDone },
    { storage, held: [...held.values()] },
  );
  if (!isDone) throw failures[0];
  return end;
}

type DocumentRecord = Omit<FileRecord, 'transaction_id' | 'kind'>;

/** The stored contents of a transaction's documents, by the hash of the URL that each came from. */
function contentsByUrl(held: ReadonlyMap<string, ExaminedFile>): Map<string, StoredFile> {
  const contents = new Map<string, StoredFile>();
  for (const { found, url_sha256, sha256, bytes, media_type, object_name, key_id } of held.values())
    if (found === 'stored' && url_sha256 !== null)
      contents.set(url_sha256, { sha256, bytes, media_type, object_name, key_id });
  return contents;
}

/**
 * After expiry the vendor no longer lists the files of attempts (DOC). Files that were offered before and are not
 * listed now are recorded as gone. Files that were stored before then are still stored, or lost.
 */
function withdrawnRecords(
  { resultId, basis }: Started,
  offered: readonly Offer[],
  held: ReadonlyMap<string, ExaminedFile>,
): DocumentRecord[] {
  const places = new Set(offered.map(placeKey));
  const unlisted = [...held.values()].filter((file) => !places.has(placeKey(file)));
  const announced = resultId === null ? Number(/^scans:(\d+)$/.exec(basis ?? '')?.[1] ?? 0) : 0;
  const withdrawn = Math.max(0, announced - offered.length - unlisted.length);
  return [
    ...unlisted.filter((file) => !isAsRecorded(file)).map((file) => stillMissing(file, 'vendor_gone')),
    ...Array.from({ length: withdrawn }, (_, index) => ({
      origin: 'withdrawn',
      position: offered.length + index,
      state: 'gone' as const,
      error_code: 'vendor_gone',
    })),
  ];
}

async function documentRecord(
  context: VendorContext,
  offer: Offer,
  known: ExaminedFile | undefined,
  { storage, byUrl }: { readonly storage: Storing; readonly byUrl: Map<string, StoredFile> },
): Promise<DocumentRecord> {
  const { url } = offer;
  if (url === null) return endRecord(offer, known, 'gone', 'vendor_gone');
  const urlSha256 = createHash('sha256').update(url).digest('hex');
  const record = (stored: StoredFile): DocumentRecord => ({
    ...labels(offer),
    state: 'stored',
    url_sha256: urlSha256,
    ...stored,
  });
  const same = byUrl.get(urlSha256);
  if (same) return record(same);
  try {
    const stored = await storage.storeDownload(offer, 'document', (sink) => context.vendor.downloadFile(url, sink));
    byUrl.set(urlSha256, stored);
    return record(stored);
  } catch (error) {
    const end = error instanceof LedgerError ? fileEnds[error.code] : undefined;
    if (!end) throw error;
    return endRecord(offer, known, end, errorCode(error));
  }
}

const labels = ({ origin, position, category, type, name }: Offer) => ({
  origin,
  position,
  category,
  type: type?.toLowerCase() ?? null,
  name,
});

/** The record of a file that could not be downloaded. If it was stored before, it is lost or damaged, not `gone`. */
function endRecord(
  offer: Offer,
  known: ExaminedFile | undefined,
  state: 'gone' | 'refused',
  code: ErrorCode,
): DocumentRecord {
  return known ? stillMissing(known, code) : { ...labels(offer), state, error_code: code };
}

function resultOffers({ tasks }: ResultFacts): Offer[] {
  return tasks.flatMap((task) => task.files).map((link, position) => ({ ...link, origin: 'result', position }));
}

function scanOffers({ tasks }: TransactionFacts): Offer[] {
  const scans = tasks.find((task) => task.type === 'document_scan')?.scans ?? [];
  return scans.flatMap((scan, index) =>
    scan.files.map((link, position) => ({ ...link, origin: `scan_${index + 1}`, position })),
  );
}
