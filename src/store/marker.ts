import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { LedgerError } from '../errors.ts';
import { makeFolder, syncFolder } from '../folders.ts';
import { asStoreError } from './errors.ts';
import { incomingFolder } from './layout.ts';

const format = 'idscan-ledger-store-1';
export const nameOfMarker = 'store.json';
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const markerPath = (folder: string): string => path.join(folder, nameOfMarker);

/**
 * The ID in a folder's marker; `undefined` = there is no marker, or no folder.
 *
 * @throws LedgerError `storage_failed`; `store_mismatch` if the marker is not one of ours.
 */
export async function readMarker(folder: string): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(markerPath(folder), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw asStoreError(error, folder);
  }
  return markerIn(text, markerPath(folder));
}

/**
 * The ID in the text of a marker.
 *
 * @param place where it was read, for people.
 * @throws LedgerError `store_mismatch` if it is not one of ours.
 */
export function markerIn(text: string, place: string): string {
  const id = idIn(text);
  if (id === undefined)
    throw new LedgerError('store_mismatch', `The marker ${place} does not say which document store it is.`, {
      fields: { folder: place },
      hint: 'Restore it from a backup, or remove it and run: npx idscan-ledger documents verify --repair.',
    });
  return id;
}

export const markerText = (id: string): string => `${JSON.stringify({ format, id })}\n`;

function idIn(text: string): string | undefined {
  try {
    const marker = JSON.parse(text) as { format?: unknown; id?: unknown } | null;
    return marker?.format === format && typeof marker.id === 'string' && uuid.test(marker.id) ? marker.id : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Marks a folder as the store with this ID, durably.
 *
 * @throws LedgerError `storage_full`, `storage_failed`
 */
export async function writeMarker(folder: string, id: string): Promise<void> {
  const temporaryPath = path.join(incomingFolder(folder), randomBytes(12).toString('hex'));
  try {
    await makeFolder(incomingFolder(folder), 0o700);
    const file = await open(temporaryPath, 'wx', 0o600);
    try {
      await file.writeFile(markerText(id));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporaryPath, markerPath(folder));
    await syncFolder(folder);
  } catch (error) {
    await rm(temporaryPath, { force: true }).catch(() => undefined);
    throw asStoreError(error, folder);
  }
}
