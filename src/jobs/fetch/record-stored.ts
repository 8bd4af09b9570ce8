import { type FetchedFiles, heldFiles } from '../../db/files.ts';
import type { ObligationEnd } from '../../db/obligations.ts';
import { ensureMastersInUse } from '../../store/encryption/masters.ts';
import { kindPrefix } from '../../store/layout.ts';
import { openedStore, type VendorContext } from '../context.ts';
import { type Storing, takenOver } from './download.ts';
import { type ExaminedFile, nameOf, removeLeftovers } from './held-files.ts';

type Fetched = Omit<FetchedFiles, 'key'>;

/**
 * Records what became of the files, and then removes from the store what nothing refers to any more: damaged files that
 * were stored anew, or everything just stored if a later start has taken over, or other masters.
 *
 * @param storage.held the transaction's files of that kind as they were found.
 * @throws LedgerError `interrupted` if a later start has taken over; `master_mismatch` if other masters are in use by now;
 *   `storage_…`, `database_unavailable`
 */
export async function recordStored(
  context: VendorContext,
  fetched: Fetched,
  { storage, held }: { readonly storage: Storing; readonly held: readonly ExaminedFile[] },
): Promise<ObligationEnd['end']> {
  if (!(await context.writes.recordFiles({ ...fetched, key: storage.key() }))) {
    await storage.undo();
    await ensureMastersInUse(context.db, openedStore(context).masters);
    throw takenOver(fetched.transactionId);
  }
  const { store } = openedStore(context);
  for (const file of held) if (isReplaced(file, fetched, held)) await store.remove(nameOf(file));
  if (BigInt(fetched.fence) > 1n) await lookAgain(context, fetched);
  return 'done';
}

/** A start that was taken over may have stored a file after this one looked for leftovers, and been killed. */
async function lookAgain(context: VendorContext, { transactionId, kind, fence }: Fetched): Promise<void> {
  const ofKind = kind === 'documents' ? 'document' : kind;
  const recorded = await heldFiles(context.db.kysely, transactionId, ofKind);
  await removeLeftovers(openedStore(context).store, kindPrefix(transactionId, ofKind), recorded, fence);
}

/** Whether a damaged object was replaced, and no other file uses it. In the clear, others may have the same content. */
function isReplaced(file: ExaminedFile, { files }: Fetched, held: readonly ExaminedFile[]): boolean {
  if (file.found !== 'damaged' || file.object_name === null) return false;
  const now = (one: ExaminedFile) =>
    files.find(({ origin, position }) => origin === one.origin && position === one.position)?.object_name;
  const isStoredAnew = (one: ExaminedFile) => {
    const name = now(one);
    return typeof name === 'string' && name !== file.object_name;
  };
  return held.filter(({ object_name }) => object_name === file.object_name).every(isStoredAnew);
}
