import { type FileKind, type FileRecord, type HeldFile, heldFiles, placeKey } from '../../db/files.ts';
import { isFirstStart, type Started } from '../../db/obligations.ts';
import type { ErrorCode } from '../../errors.ts';
import { clearName, kindPrefix } from '../../store/layout.ts';
import type { Finding, ObjectStore } from '../../store/object-store.ts';
import { ensureMarked } from '../../store/open.ts';
import { openedStore, type VendorContext } from '../context.ts';
import { fenceIn } from './download.ts';

/** A file that was stored once, and the state it was just found in. */
export type ExaminedFile = HeldFile & { readonly found: Finding };

/**
 * Checks each file of a transaction that was stored once. No file counts as stored unless it is there, unchanged.
 *
 * @returns the files by their places.
 * @throws LedgerError `storage_failed`; `store_mismatch` if files are missing because the store's disk is missing.
 */
export async function examineHeldFiles(
  context: VendorContext,
  transactionId: string,
  kind: FileKind,
  started: Started,
): Promise<Map<string, ExaminedFile>> {
  const examined = new Map<string, ExaminedFile>();
  if (isFirstStart(started)) return examined;
  const { store } = openedStore(context);
  for (const file of await heldFiles(context.db.kysely, transactionId, kind)) {
    const found = whatIsLeft(await store.examine({ ...file, name: nameOf(file) }), file.has_key);
    examined.set(placeKey(file), { ...file, found });
  }
  await removeLeftovers(store, kindPrefix(transactionId, kind), [...examined.values()], started.fence);
  const isAnyLost = [...examined.values()].some(({ found }) => found === 'lost');
  if (isAnyLost) await ensureMarked(store);
  return examined;
}

/** What a file is worth: without its key nobody can open what is stored. */
export const whatIsLeft = (found: Finding, hasKey: boolean): Finding =>
  found === 'stored' && !hasKey ? 'damaged' : found;

/** The name of a stored file's object. */
export const nameOf = ({ object_name, sha256 }: Pick<HeldFile, 'object_name' | 'sha256'>): string =>
  object_name ?? clearName(sha256);

/**
 * Removes what an earlier start stored and never recorded: it was killed, or the store's answer was lost. It never will
 * be: a start records nothing once a later one has begun. What a later one than this stores is left alone, and so is
 * what no start stored: custody is taking it over.
 */
export async function removeLeftovers(
  store: ObjectStore,
  prefix: string,
  held: readonly HeldFile[],
  fence: string,
): Promise<void> {
  const recorded = new Set(held.map(nameOf));
  for await (const { name } of store.list(prefix)) {
    const stored = fenceIn(name);
    if (stored !== undefined && stored > 0n && stored < BigInt(fence) && !recorded.has(name)) await store.remove(name);
  }
}

/** Whether nothing has to be done about a file: it is there, and recorded as stored. */
export const isAsRecorded = ({ found, state }: ExaminedFile): boolean => found === 'stored' && state === 'stored';

type Recorded = Omit<FileRecord, 'transaction_id' | 'kind'>;

/** The record of a file that is there although it was recorded as lost or damaged. */
export const foundAgain = (file: ExaminedFile): Recorded => ({ ...recorded(file), state: 'stored' });

/**
 * The record of a file that was stored once and could not be downloaded again. It is recorded as lost, not as `gone`,
 * even if the vendor no longer has it: we had it.
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
  object_name: file.object_name,
  key_id: file.key_id,
});
