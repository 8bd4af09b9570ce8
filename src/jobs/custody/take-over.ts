import { createHash } from 'node:crypto';
import {
  clearFiles,
  type ClearFile,
  clearToRemove,
  recordClearAmiss,
  recordClearRemoved,
  recordTakenOver,
} from '../../db/clear-files.ts';
import { heldFiles } from '../../db/files.ts';
import { LedgerError } from '../../errors.ts';
import { clearName, kindPrefix } from '../../store/layout.ts';
import { ensureMastersInUse } from '../../store/encryption/masters.ts';
import { ensureMarked } from '../../store/open.ts';
import type { Context, Documents } from '../context.ts';
import { fenceIn, storing } from '../fetch/download.ts';
import { nameOf } from '../fetch/held-files.ts';
import { each, type Failures } from './each.ts';

const batchSize = 100;
/** In names, the start that stored it: none did. */
const noStart = '0';

/**
 * Encrypts files that an earlier version stored in the clear, a bounded batch, and removes their clear bytes once no
 * other file needs them. May be broken off at any time: the next call goes on.
 *
 * @param failures what could not be done is added; the other files are encrypted.
 * @returns how many files were encrypted.
 * @throws LedgerError `database_unavailable`; `master_mismatch` if others are in use than this process seals to
 */
export async function takeOverClear(
  { db, log }: Pick<Context, 'db' | 'log'>,
  documents: Documents,
  failures: Failures,
  signal?: AbortSignal,
): Promise<number> {
  const batch = { failures, signal };
  const clear = await clearFiles(db.kysely, batchSize);
  if (clear.length > 0) await ensureMastersInUse(db, documents.masters);
  const taken = await each(clear, batch, async (file) => {
    const isTaken = await takeOver(db, documents, file);
    if (!isTaken)
      log.warn({ transactionId: file.transactionId, kind: file.kind }, 'a file in the clear is not as it was stored');
    return isTaken;
  });
  await each(await clearToRemove(db.kysely, batchSize), batch, async (hash) => {
    await documents.store.remove(clearName(hash));
    await recordClearRemoved(db.kysely, hash);
    return true;
  });
  return taken;
}

async function takeOver(db: Context['db'], documents: Documents, file: ClearFile): Promise<boolean> {
  const { transactionId, kind, sha256, bytes, mediaType } = file;
  const { store } = documents;
  await removeOwnLeftovers(db, store, file);
  const name = clearName(sha256);
  const found = await store.examine({ name, sha256, bytes });
  if (found !== 'stored') {
    await ensureMarked(store);
    await recordClearAmiss(db.kysely, file, found);
    return false;
  }
  const storage = storing(documents, { transactionId, kind, fence: noStart });
  const stored = await storage.storeBytes(file, unchanged(await store.get(name), file, store.place), mediaType);
  const key = storage.key();
  if (key && (await recordTakenOver(db, file, stored, key))) return true;
  await storage.undo();
  await ensureMastersInUse(db, documents.masters);
  return false;
}

/** What an earlier round encrypted and never recorded. Only one process at a time takes over. */
async function removeOwnLeftovers(
  db: Context['db'],
  store: Documents['store'],
  { transactionId, kind }: ClearFile,
): Promise<void> {
  const recorded = new Set((await heldFiles(db.kysely, transactionId, kind)).map(nameOf));
  for await (const { name } of store.list(kindPrefix(transactionId, kind)))
    if (fenceIn(name) === BigInt(noStart) && !recorded.has(name)) await store.remove(name);
}

/** Passes bytes on, and fails at their end if they are others than were stored: they are read a second time. */
async function* unchanged(
  bytes: AsyncIterable<Uint8Array>,
  { sha256 }: ClearFile,
  place: string,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const piece of bytes) {
    hash.update(piece);
    yield piece;
  }
  if (hash.digest('hex') !== sha256)
    throw new LedgerError('storage_failed', `A file in the clear in ${place} was read twice, with different bytes.`, {
      hint: 'Look at the disk, the memory and the way to the store. It is read again by itself.',
    });
}
