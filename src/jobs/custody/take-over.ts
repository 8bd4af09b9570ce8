import {
  clearFiles,
  type ClearFile,
  clearToRemove,
  recordClearAmiss,
  recordClearRemoved,
  recordTakenOver,
} from '../../db/clear-files.ts';
import { clearName } from '../../store/layout.ts';
import { ensureMarked } from '../../store/open.ts';
import type { Context, Documents } from '../context.ts';
import { storing } from '../fetch/download.ts';

const batchSize = 100;
/** In names, the start that stored it: none did. */
const noStart = '0';

/**
 * Encrypts files that an earlier version stored in the clear, a bounded batch, and removes their clear bytes once no
 * other file needs them. May be broken off at any time: the next call goes on.
 *
 * @returns how many files were encrypted.
 * @throws LedgerError `storage_failed`, `storage_full`, `database_unavailable`
 */
export async function takeOverClear(
  { db, log }: Pick<Context, 'db' | 'log'>,
  documents: Documents,
  signal?: AbortSignal,
): Promise<number> {
  let taken = 0;
  for (const file of await clearFiles(db.kysely, batchSize)) {
    if (signal?.aborted) return taken;
    if (await takeOver(db, documents, file)) taken += 1;
    else
      log.warn({ transactionId: file.transactionId, kind: file.kind }, 'a file in the clear is not as it was stored');
  }
  const hashes = await clearToRemove(db.kysely, batchSize);
  for (const hash of hashes) await documents.store.remove(clearName(hash));
  if (hashes.length > 0) await recordClearRemoved(db.kysely, hashes);
  return taken;
}

async function takeOver(db: Context['db'], documents: Documents, file: ClearFile): Promise<boolean> {
  const { transactionId, kind, sha256, bytes, mediaType } = file;
  const { store } = documents;
  const name = clearName(sha256);
  const found = await store.examine({ name, sha256, bytes });
  if (found !== 'stored') {
    await ensureMarked(store);
    await recordClearAmiss(db.kysely, file, found);
    return false;
  }
  const storage = storing(documents, { transactionId, kind, fence: noStart });
  const stored = await storage.storeBytes(file, await store.get(name), mediaType);
  const key = storage.key();
  if (key && (await recordTakenOver(db, file, stored, key))) return true;
  await storage.undo();
  return false;
}
