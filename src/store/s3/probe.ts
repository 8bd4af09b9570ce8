import { randomBytes } from 'node:crypto';
import { errorCode, LedgerError } from '../../errors.ts';
import type { ObjectStore } from '../object-store.ts';

/** As large as a typical document: a store with room for only a few bytes counts as full. */
const probeBytes = 1024 ** 2;
export const folderOfProbes = 'probes/';

/** Whether a name is that of a test object. A killed process may leave one behind. */
export const isProbeName = (name: string): boolean => name.startsWith(folderOfProbes);

/**
 * Does with a test object everything that is done with a document.
 *
 * @throws LedgerError `storage_full`, `storage_failed`, also if the store overwrites what is there or does not keep what
 * it got; nothing is left behind.
 */
export async function probeStore(store: Omit<ObjectStore, 'probe'>): Promise<void> {
  const { place, put, has, examine, remove, list } = store;
  const name = `${folderOfProbes}${randomBytes(12).toString('hex')}`;
  const content = randomBytes(probeBytes);
  try {
    const stored = await put(name, (sink) => sink(content));
    if (!(await isRefused(() => put(name, (sink) => sink(randomBytes(16)))))) throw overwrites(place);
    if ((await examine(stored)) !== 'stored')
      throw new LedgerError('storage_failed', `What was written to ${place} reads back as something else.`, {
        hint: 'Is a cache or a proxy in between? Else look into the log of the store.',
      });
    for await (const entry of list(name)) if (entry.name !== name) break;
    await remove(name);
    if (await has(stored))
      throw new LedgerError('storage_failed', `What was removed from ${place} is still there.`, {
        hint: 'Does a rule of the bucket keep objects (object lock, legal hold)? Documents have to go when they should.',
      });
  } catch (error) {
    await remove(name).catch(() => undefined);
    throw error;
  }
}

async function isRefused(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return false;
  } catch (error) {
    if (errorCode(error) === 'storage_conflict') return true;
    throw error;
  }
}

const overwrites = (place: string): LedgerError =>
  new LedgerError('storage_failed', `${place} overwrites an object although it was told not to (If-None-Match: *).`, {
    fields: { cause: 'Overwrites' },
    hint: 'Two workers could overwrite each other: use a store that knows conditional writes, or a newer version of it.',
  });
