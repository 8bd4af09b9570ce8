import { createHash } from 'node:crypto';
import { type FilePlace, type FileRecord, knownFiles, nothingStored, placeKey, type StoredFile } from '../db/files.ts';
import { isFirstStart, type ObligationEnd, type Started } from '../db/obligations.ts';
import type { FileLink, ResultFacts, TransactionFacts } from '../domain/facts.ts';
import { type ErrorCode, errorCode, LedgerError } from '../errors.ts';
import type { VendorContext } from './context.ts';
import { isStored, storeDownload } from './file-store.ts';

type Offer = FileLink & FilePlace;

/** What a failed download means for the file; `undefined` = the job is tried again. */
const fileEnds: Partial<Record<ErrorCode, 'gone' | 'refused'>> = {
  vendor_not_found: 'gone',
  vendor_gone: 'gone',
  vendor_url_refused: 'refused',
  vendor_answer_too_large: 'refused',
};

/**
 * Stores the files that the result offers or, for a transaction without one, its attempts. What is stored already is
 * not fetched again. A file that is gone or refused is recorded as such and is a normal end; a failure that may pass
 * is thrown once the other files are done. What became of all of them is recorded at once, with the end of the work.
 *
 * @throws LedgerError `vendor_…`, `file_…`, `storage_…`, `database_unavailable`
 */
export async function fetchDocuments(
  context: VendorContext,
  transactionId: string,
  started: Started,
): Promise<ObligationEnd['end']> {
  const offered =
    started.resultId === null
      ? scanOffers(await context.vendor.getTransaction(transactionId))
      : resultOffers(await context.vendor.getResult(transactionId, started.resultId));
  const { storedPlaces, byUrl } = isFirstStart(started)
    ? nothingStored()
    : await knownFiles(context.db.kysely, transactionId, 'document', (sha256) =>
        isStored(context.config.dataDir, sha256),
      );
  const files: DocumentRecord[] = [];
  const failures: unknown[] = [];
  for (const offer of offered.filter((one) => !storedPlaces.has(placeKey(one)))) {
    try {
      files.push(await documentRecord(context, offer, byUrl));
    } catch (error) {
      const code = errorCode(error);
      if (code === 'vendor_rate_limited' || code === 'interrupted') {
        // The others would meet the same.
        failures.unshift(error);
        break;
      }
      failures.push(error);
      files.push(refusedRecord(offer, 'refused', code));
    }
  }
  const isDone = failures.length === 0;
  if (isDone)
    for (const place of withdrawnPlaces(started, offered.length))
      files.push({ ...place, state: 'gone', error_code: 'vendor_gone' });
  await context.writes.recordFiles({ transactionId, kind: 'documents', fence: started.fence, files, isDone });
  if (!isDone) throw failures[0];
  return 'done';
}

/** After expiry the vendor lists no more files of attempts (DOC): those that were on offer before are gone, and said so. */
function withdrawnPlaces({ resultId, basis }: Started, offered: number): FilePlace[] {
  const announced = resultId === null ? Number(/^scans:(\d+)$/.exec(basis ?? '')?.[1] ?? 0) : 0;
  return Array.from({ length: Math.max(0, announced - offered) }, (_, index) => ({
    origin: 'withdrawn',
    position: offered + index,
  }));
}

type DocumentRecord = Omit<FileRecord, 'transaction_id' | 'kind'>;

async function documentRecord(
  context: VendorContext,
  offer: Offer,
  byUrl: Map<string, StoredFile>,
): Promise<DocumentRecord> {
  const { url } = offer;
  if (url === null) return refusedRecord(offer, 'gone', 'vendor_gone');
  const urlSha256 = createHash('sha256').update(url).digest('hex');
  const record = (stored: StoredFile): DocumentRecord => ({
    ...labels(offer),
    state: 'stored',
    url_sha256: urlSha256,
    ...stored,
  });
  const known = byUrl.get(urlSha256);
  if (known) return record(known);
  try {
    const { sha256, bytes, mediaType } = await storeDownload(context.config.dataDir, 'document', (sink) =>
      context.vendor.downloadFile(url, sink),
    );
    const stored = { sha256, bytes: String(bytes), media_type: mediaType };
    byUrl.set(urlSha256, stored);
    return record(stored);
  } catch (error) {
    const end = error instanceof LedgerError ? fileEnds[error.code] : undefined;
    if (!end) throw error;
    return refusedRecord(offer, end, errorCode(error));
  }
}

const labels = ({ origin, position, category, type, name }: Offer) => ({
  origin,
  position,
  category,
  type: type?.toLowerCase() ?? null,
  name,
});

const refusedRecord = (offer: Offer, state: 'gone' | 'refused', code: ErrorCode): DocumentRecord => ({
  ...labels(offer),
  state,
  error_code: code,
});

function resultOffers({ tasks }: ResultFacts): Offer[] {
  return tasks.flatMap((task) => task.files).map((link, position) => ({ ...link, origin: 'result', position }));
}

function scanOffers({ tasks }: TransactionFacts): Offer[] {
  const scans = tasks.find((task) => task.type === 'document_scan')?.scans ?? [];
  return scans.flatMap((scan, index) =>
    scan.files.map((link, position) => ({ ...link, origin: `scan_${index + 1}`, position })),
  );
}
