import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { S3Address } from '../config/s3-address.ts';
import type { Queries } from '../db/database.ts';
import { knownStore, registerStore, sampleOfClaimed } from '../db/document-store.ts';
import { errorCode } from '../errors.ts';
import { anothersStore, currentUid, lacksContents, noStoreThere, withoutContents } from './errors.ts';
import { folderStore } from './folder-store.ts';
import { s3Store } from './s3-store.ts';
import { clearName, isOrder } from './layout.ts';
import type { ObjectStore, OpenedStore, StoredObject } from './object-store.ts';

type Where = { readonly dataDir: string; readonly documents?: S3Address | undefined };

/** The configured store. The only place that knows which kinds of stores there are. */
export const documentStore = ({ dataDir, documents }: Where): ObjectStore =>
  documents === undefined ? folderStore(path.join(dataDir, 'documents')) : s3Store(documents);

/**
 * Opens the document store for a worker, after checking that Postgres knows it and that this user may write everywhere
 * in it. The very first worker creates it. In an installation from before stores had IDs, the first worker adopts the
 * store that has its contents. A known store is opened even if it is full.
 *
 * @throws LedgerError `store_mismatch`, `storage_failed`; `storage_full` if there is no room to create it
 */
export async function openStore(db: Queries, store: ObjectStore): Promise<OpenedStore> {
  const opened = await identifyStore(db, store);
  try {
    await opened.probe();
  } catch (error) {
    // Results need no room. The first file that does not fit makes files wait.
    if (errorCode(error) !== 'storage_full') throw error;
  }
  return opened;
}

/**
 * Finds out which store it is. Does not write to one that is known already.
 *
 * @throws LedgerError `store_mismatch`, `storage_failed`, `storage_full`
 */
export async function identifyStore(db: Queries, store: ObjectStore): Promise<OpenedStore> {
  const id = (await knownStore(db)) ?? (await adopt(db, store, { evenEmpty: false }));
  const opened = { ...store, id };
  await ensureMarked(opened);
  return opened;
}

/**
 * Checks that an open store can still be used: it may have been unmounted or become read-only.
 *
 * @throws LedgerError `store_mismatch`, `storage_failed`, `storage_full`
 */
export async function checkOpenStore(store: OpenedStore): Promise<void> {
  await ensureMarked(store);
  await store.probe();
  // The disk may have gone meanwhile, and what was tried was its mount point.
  await ensureMarked(store);
}

/** @throws LedgerError `store_mismatch` unless the folder is still this store. */
export async function ensureMarked({ place, id, marker }: OpenedStore): Promise<void> {
  const found = await marker();
  if (found === undefined) throw noStoreThere(place);
  if (found !== id) throw anothersStore(place);
}

/**
 * Checks the document store and describes it. Creates no store, and leaves nothing behind.
 *
 * @throws LedgerError `store_mismatch`, `storage_failed`, `storage_full`
 */
export async function checkStore(db: Queries, store: ObjectStore): Promise<string> {
  const known = await knownStore(db);
  if (known === undefined) {
    await idToAdopt(db, store, { evenEmpty: false });
    return `${store.place} is no document store yet; the first worker makes it one`;
  }
  await checkOpenStore({ ...store, id: known });
  await checkSample(db, store);
  return `${store.place}, store ${known}, writable by uid ${currentUid()}`;
}

/** The object that the books claim. */
const claimedObject = ({
  object_name,
  ...content
}: Awaited<ReturnType<typeof sampleOfClaimed>>[number]): StoredObject => ({
  ...content,
  name: object_name ?? clearName(content.sha256),
});

/** A copy of the store has its marker, but not what was stored since. @throws LedgerError `store_mismatch` */
async function checkSample(db: Queries, store: ObjectStore): Promise<void> {
  const stored = (await sampleOfClaimed(db)).filter(({ state }) => state === 'stored');
  let missing = 0;
  for (const content of stored) if (!(await store.has(claimedObject(content)))) missing += 1;
  if (missing > 0) throw lacksContents(store.place, missing, stored.length);
}

/**
 * Makes it the store that Postgres knows, after the disk was lost. It must be empty, or have some of its contents.
 *
 * @returns whether anything had to be done.
 * @throws LedgerError `store_mismatch` if it belongs to other books; `storage_failed`, `storage_full`
 */
export async function repairStore(db: Queries, store: ObjectStore): Promise<boolean> {
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
  /** Whether to adopt an empty store although contents are recorded. */
  readonly evenEmpty: boolean;
};

/**
 * Adopts the store for books that know none yet. Postgres settles its ID, and the store is marked before that counts.
 */
async function adopt(db: Queries, store: ObjectStore, adoption: Adoption): Promise<string> {
  const id = await idToAdopt(db, store, adoption);
  return registerStore(db, id, () => store.mark(id));
}

/**
 * The ID under which this may become the store.
 *
 * @throws LedgerError `store_mismatch`
 */
async function idToAdopt(db: Queries, store: ObjectStore, { evenEmpty }: Adoption): Promise<string> {
  const marker = await store.marker();
  const presence = await presenceOfClaimed(db, store);
  if (presence === 'none' && !(evenEmpty && !(await holdsContents(store)))) throw withoutContents(store.place);
  // A marker without contents is from a worker that was interrupted before Postgres knew the store.
  if (presence === 'nothing claimed' && marker !== undefined && (await holdsContents(store)))
    throw anothersStore(store.place);
  return marker ?? randomUUID();
}

/** Whether anything is stored at all. */
async function holdsContents(store: ObjectStore): Promise<boolean> {
  for await (const { name } of store.list('')) if (name.includes('/') && !isOrder(name)) return true;
  return false;
}

/**
 * Whether any recorded content is there. One is enough: others may have been deleted by hand, and one cannot be there
 * by chance.
 */
async function presenceOfClaimed(db: Queries, store: ObjectStore): Promise<'some' | 'none' | 'nothing claimed'> {
  const sample = await sampleOfClaimed(db);
  if (sample.length === 0) return 'nothing claimed';
  for (const claimed of sample) if (await store.has(claimedObject(claimed))) return 'some';
  return 'none';
}
