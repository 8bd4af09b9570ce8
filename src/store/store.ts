import { randomUUID } from 'node:crypto';
import type { Queries } from '../db/database.ts';
import { knownStore, registerStore, sampleOfClaimed } from '../db/document-store.ts';
import { errorCode } from '../errors.ts';
import { makeFolder } from '../folders.ts';
import { holdsContents, looksStored } from './contents.ts';
import { anothersStore, asStoreError, currentUid, noStoreThere, withoutContents } from './errors.ts';
import { type DocumentStore, incomingFolder, storeFolder } from './layout.ts';
import { readMarker, writeMarker } from './marker.ts';
import { probeStore } from './probe.ts';

/**
 * Opens the document store for a worker: it is the one that Postgres knows, and this user may write everywhere in it.
 * The first worker ever makes it; of an installation from before stores were known, the first worker adopts the folder
 * that has its contents. One that is known and merely full is opened.
 *
 * @throws LedgerError `store_mismatch`, `storage_failed`; `storage_full` where there is no room to make it
 */
export async function openStore(db: Queries, dataDir: string): Promise<DocumentStore> {
  const store = await identifyStore(db, dataDir);
  try {
    await prepare(store.folder);
  } catch (error) {
    // Results need no room: the first file that fails for want of it makes files wait.
    if (errorCode(error) !== 'storage_full') throw error;
  }
  return store;
}

/**
 * Finds out which store the folder is, without writing to one that is known already.
 *
 * @throws LedgerError `store_mismatch`, `storage_failed`, `storage_full`
 */
export async function identifyStore(db: Queries, dataDir: string): Promise<DocumentStore> {
  const folder = storeFolder(dataDir);
  const id = (await knownStore(db)) ?? (await adopt(db, dataDir, { evenEmpty: false }));
  await ensureMarked({ folder, id });
  return { folder, id };
}

/**
 * Whether a store that was opened can still be used: it may have been unmounted, or be read-only since.
 *
 * @throws LedgerError `store_mismatch`, `storage_failed`, `storage_full`
 */
export async function checkOpenStore(store: DocumentStore): Promise<void> {
  await ensureMarked(store);
  await probeStore(store.folder);
}

/** @throws LedgerError `store_mismatch` unless the folder is this store. */
export async function ensureMarked({ folder, id }: DocumentStore): Promise<void> {
  const marker = await readMarker(folder);
  if (marker === undefined) throw noStoreThere(folder);
  if (marker !== id) throw anothersStore(folder);
}

/**
 * Says what the document store is, and that it can be used. Makes nothing, and leaves nothing behind.
 *
 * @throws LedgerError `store_mismatch`, `storage_failed`, `storage_full`
 */
export async function checkStore(db: Queries, dataDir: string): Promise<string> {
  const folder = storeFolder(dataDir);
  const known = await knownStore(db);
  if (known === undefined) {
    await idToAdopt(db, dataDir, { evenEmpty: false });
    return `${folder} is no document store yet; the first worker makes it one`;
  }
  await checkOpenStore({ folder, id: known });
  return `${folder}, store ${known}, writable by uid ${currentUid()}`;
}

/**
 * Makes the folder the store that Postgres knows, where the disk was lost: an empty folder, or one with what came back
 * of its contents.
 *
 * @returns whether anything was to be done.
 * @throws LedgerError `store_mismatch` where it is another's; `storage_failed`, `storage_full`
 */
export async function repairStore(db: Queries, dataDir: string): Promise<boolean> {
  const folder = storeFolder(dataDir);
  const known = await knownStore(db);
  const marker = await readMarker(folder);
  if (known === undefined) await ensureMarked({ folder, id: await adopt(db, dataDir, { evenEmpty: true }) });
  else if (marker === undefined) {
    if ((await holdsContents(folder)) && (await presenceOfClaimed(db, dataDir)) === 'none')
      throw withoutContents(folder);
    await writeMarker(folder, known);
  } else if (marker !== known) throw anothersStore(folder);
  await prepare(folder);
  return known === undefined || marker === undefined;
}

async function prepare(folder: string): Promise<void> {
  try {
    await makeFolder(incomingFolder(folder), 0o700);
  } catch (error) {
    throw asStoreError(error, folder);
  }
  await probeStore(folder);
}

/** The store of books that know none: settled in Postgres, and written into the folder before it counts. */
async function adopt(db: Queries, dataDir: string, options: { readonly evenEmpty: boolean }): Promise<string> {
  const id = await idToAdopt(db, dataDir, options);
  return registerStore(db, id, () => writeMarker(storeFolder(dataDir), id));
}

/**
 * The ID under which a folder may become the store.
 *
 * @param options.evenEmpty also where nothing is left of what is claimed.
 * @throws LedgerError `store_mismatch`
 */
async function idToAdopt(
  db: Queries,
  dataDir: string,
  { evenEmpty }: { readonly evenEmpty: boolean },
): Promise<string> {
  const folder = storeFolder(dataDir);
  const marker = await readMarker(folder);
  const presence = await presenceOfClaimed(db, dataDir);
  if (presence === 'none' && !(evenEmpty && !(await holdsContents(folder)))) throw withoutContents(folder);
  // With a marker and without contents: whoever made it was broken off before Postgres knew.
  if (presence === 'nothing claimed' && marker !== undefined && (await holdsContents(folder)))
    throw anothersStore(folder);
  return marker ?? randomUUID();
}

/**
 * Whether any of what is claimed is there. Not all of it need be: some may have been deleted by hand, and one is not
 * there by chance.
 */
async function presenceOfClaimed(db: Queries, dataDir: string): Promise<'some' | 'none' | 'nothing claimed'> {
  const sample = await sampleOfClaimed(db);
  if (sample.length === 0) return 'nothing claimed';
  for (const claimed of sample) if (await looksStored(dataDir, claimed)) return 'some';
  return 'none';
}
