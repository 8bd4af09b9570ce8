import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { Queries } from '../db/database.ts';
import { knownStore, registerStore, sampleOfClaimed } from '../db/document-store.ts';
import { errorCode } from '../errors.ts';
import type { DocumentStore, OpenedStore } from './document-store.ts';
import { anothersStore, currentUid, noStoreThere, withoutContents } from './errors.ts';
import { folderStore } from './folder-store.ts';
import { isContentName } from './layout.ts';

/** The store that is configured. The one place that knows what kinds of stores there are. */
export const documentStore = ({ dataDir }: { readonly dataDir: string }): DocumentStore =>
  folderStore(path.join(dataDir, 'documents'));

/**
 * Opens the document store for a worker: it is the one that Postgres knows, and this user may write everywhere in it.
 * The first worker ever makes it; of an installation from before stores were known, the first worker adopts the store
 * that has its contents. One that is known and merely full is opened.
 *
 * @throws LedgerError `store_mismatch`, `storage_failed`; `storage_full` where there is no room to make it
 */
export async function openStore(db: Queries, store: DocumentStore): Promise<OpenedStore> {
  const opened = await identifyStore(db, store);
  try {
    await opened.probe();
  } catch (error) {
    // Results need no room: the first file that fails for want of it makes files wait.
    if (errorCode(error) !== 'storage_full') throw error;
  }
  return opened;
}

/**
 * Finds out which store it is, without writing to one that is known already.
 *
 * @throws LedgerError `store_mismatch`, `storage_failed`, `storage_full`
 */
export async function identifyStore(db: Queries, store: DocumentStore): Promise<OpenedStore> {
  const id = (await knownStore(db)) ?? (await adopt(db, store, { evenEmpty: false }));
  const opened = { ...store, id };
  await ensureMarked(opened);
  return opened;
}

/**
 * Whether a store that was opened can still be used: it may have been unmounted, or be read-only since.
 *
 * @throws LedgerError `store_mismatch`, `storage_failed`, `storage_full`
 */
export async function checkOpenStore(store: OpenedStore): Promise<void> {
  await ensureMarked(store);
  await store.probe();
}

/** @throws LedgerError `store_mismatch` unless it still is this store. */
export async function ensureMarked({ place, id, marker }: OpenedStore): Promise<void> {
  const found = await marker();
  if (found === undefined) throw noStoreThere(place);
  if (found !== id) throw anothersStore(place);
}

/**
 * Says what the document store is, and that it can be used. Makes nothing, and leaves nothing behind.
 *
 * @throws LedgerError `store_mismatch`, `storage_failed`, `storage_full`
 */
export async function checkStore(db: Queries, store: DocumentStore): Promise<string> {
  const known = await knownStore(db);
  if (known === undefined) {
    await idToAdopt(db, store, { evenEmpty: false });
    return `${store.place} is no document store yet; the first worker makes it one`;
  }
  await checkOpenStore({ ...store, id: known });
  return `${store.place}, store ${known}, writable by uid ${currentUid()}`;
}

/**
 * Makes it the store that Postgres knows, where the disk was lost: one that is empty, or has what came back of its
 * contents.
 *
 * @returns whether anything was to be done.
 * @throws LedgerError `store_mismatch` where it is another's; `storage_failed`, `storage_full`
 */
export async function repairStore(db: Queries, store: DocumentStore): Promise<boolean> {
  const known = await knownStore(db);
  const marker = await store.marker();
  if (known === undefined) await ensureMarked({ ...store, id: await adopt(db, store, { evenEmpty: true }) });
  else if (marker === undefined) {
    if ((await holdsContents(store)) && (await presenceOfClaimed(db, store)) === 'none')
      throw withoutContents(store.place);
    await store.mark(known);
  } else if (marker !== known) throw anothersStore(store.place);
  await store.probe();
  return known === undefined || marker === undefined;
}

type Adoption = {
  /** Also where nothing is left of what is claimed. */
  readonly evenEmpty: boolean;
};

/** The store of books that know none: settled in Postgres, and marked before it counts. */
async function adopt(db: Queries, store: DocumentStore, adoption: Adoption): Promise<string> {
  const id = await idToAdopt(db, store, adoption);
  return registerStore(db, id, () => store.mark(id));
}

/**
 * The ID under which it may become the store.
 *
 * @throws LedgerError `store_mismatch`
 */
async function idToAdopt(db: Queries, store: DocumentStore, { evenEmpty }: Adoption): Promise<string> {
  const marker = await store.marker();
  const presence = await presenceOfClaimed(db, store);
  if (presence === 'none' && !(evenEmpty && !(await holdsContents(store)))) throw withoutContents(store.place);
  // With a marker and without contents: whoever made it was broken off before Postgres knew.
  if (presence === 'nothing claimed' && marker !== undefined && (await holdsContents(store)))
    throw anothersStore(store.place);
  return marker ?? randomUUID();
}

/** Whether there is any content at all. */
async function holdsContents(store: DocumentStore): Promise<boolean> {
  for await (const { name } of store.entries()) if (isContentName(name)) return true;
  return false;
}

/**
 * Whether any of what is claimed is there. Not all of it need be: some may have been deleted by hand, and one is not
 * there by chance.
 */
async function presenceOfClaimed(db: Queries, store: DocumentStore): Promise<'some' | 'none' | 'nothing claimed'> {
  const sample = await sampleOfClaimed(db);
  if (sample.length === 0) return 'nothing claimed';
  for (const claimed of sample) if (await store.has(claimed)) return 'some';
  return 'none';
}
