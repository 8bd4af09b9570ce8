import { type FileKind, type FileRecord, type HeldFile, heldFiles, placeKey } from '../../db/files.ts';
import { isFirstStart, type Started } from '../../db/obligations.ts';
import type { ErrorCode } from '../../errors.ts';
import type { Finding } from '../../store/document-store.ts';
import { ensureMarked } from '../../store/open.ts';
import { openedStore, type VendorContext } from '../context.ts';

/** A file that was stored once, and how it was found just now. */
export type ExaminedFile = HeldFile & { readonly found: Finding };

/**
 * Looks at each of a transaction's files that were stored once: nothing is taken for stored that is not there as it was.
 *
 * @returns them by their places.
 * @throws LedgerError `storage_failed`; `store_mismatch` where something is missing because the disk is.
 */
export async function examineHeldFiles(
  context: VendorContext,
  transactionId: string,
  kind: FileKind,
  started: Started,
): Promise<Map<string, ExaminedFile>> {
  const examined = new Map<string, ExaminedFile>();
  if (isFirstStart(started)) return examined;
  const store = openedStore(context);
  for (const file of await heldFiles(context.db.kysely, transactionId, kind))
    examined.set(placeKey(file), { ...file, found: await store.examine(file) });
  const isAnyLost = [...examined.values()].some(({ found }) => found === 'lost');
  if (isAnyLost) await ensureMarked(store);
  return examined;
}

/** Whether nothing is to be done about a file: it is there, and known to be. */
export const isAsRecorded = ({ found, state }: ExaminedFile): boolean => found === 'stored' && state === 'stored';

type Recorded = Omit<FileRecord, 'transaction_id' | 'kind'>;

/** What to record of a file that is there, though it was taken for lost or damaged. */
export const foundAgain = (file: ExaminedFile): Recorded => ({ ...recorded(file), state: 'stored' });

/**
 * What to record of a file that was stored once and could not be had again. That the vendor has it no more does not make
 * it a file that never was: we lost it.
 */
export const stillMissing = (file: ExaminedFile, code: ErrorCode): Recorded =>
  file.found === 'stored' ? foundAgain(file) : { ...recorded(file), state: file.found, error_code: code };

const recorded = (file: ExaminedFile): Omit<Recorded, 'state'> => ({
  origin: file.origin,
  position: file.position,
  category: file.category,
  type: file.type,
  name: file.name,
  url_sha256: file.url_sha256,
  sha256: file.sha256,
  bytes: file.bytes,
  media_type: file.media_type,
});
