import { createHash } from 'node:crypto';
import { constants, type FileHandle, lstat, open, opendir } from 'node:fs/promises';
import path from 'node:path';
import { asStoreError } from './errors.ts';
import { incomingFolder, isContentName, isHashFolder, isProbeName, storeFolder, storedPath } from './layout.ts';
import { markerPath } from './marker.ts';

/** What is claimed of a stored content. */
export type ClaimedContent = { readonly sha256: string; readonly bytes: string };

/** `lost`: it is not there. `damaged`: something else is in its place, or the disk does not give it back. */
export type Finding = 'stored' | 'lost' | 'damaged';

/**
 * Looks whether a content is there as it was stored: its size, then its hash.
 *
 * @throws LedgerError `storage_failed` where this user may not look.
 */
export async function examine(dataDir: string, { sha256, bytes }: ClaimedContent): Promise<Finding> {
  const place = storedPath(dataDir, sha256);
  let file: FileHandle;
  try {
    file = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const finding = findings[(error as NodeJS.ErrnoException).code ?? ''];
    if (finding) return finding;
    throw asStoreError(error, storeFolder(dataDir));
  }
  try {
    const found = await file.stat();
    if (!found.isFile() || String(found.size) !== bytes) return 'damaged';
    return (await hashOf(file)) === sha256 ? 'stored' : 'damaged';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return 'damaged';
    throw asStoreError(error, storeFolder(dataDir));
  } finally {
    await file.close();
  }
}

const findings: Record<string, Finding> = {
  ENOENT: 'lost',
  ENOTDIR: 'lost',
  ELOOP: 'damaged',
  ENXIO: 'damaged',
  EIO: 'damaged',
};

async function hashOf(file: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 256 * 1_024 }))
    hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Whether a file of that size is where a content was put. Reads nothing of it. */
export async function looksStored(dataDir: string, { sha256, bytes }: ClaimedContent): Promise<boolean> {
  return lstat(storedPath(dataDir, sha256)).then(
    (found) => found.isFile() && String(found.size) === bytes,
    () => false,
  );
}

/** Whether a folder holds any content at all. */
export async function holdsContents(folder: string): Promise<boolean> {
  for await (const name of contentsOf(folder)) if (isContentName(path.basename(name))) return true;
  return false;
}

/**
 * Everything in a store but its marker and unfinished downloads, one path at a time: no list is held.
 *
 * @throws LedgerError `storage_failed`; of a folder that is not there nothing comes.
 */
export async function* contentsOf(folder: string): AsyncGenerator<string> {
  for await (const entry of entriesOf(folder)) {
    const place = path.join(folder, entry.name);
    if (place === markerPath(folder) || place === incomingFolder(folder)) continue;
    if (!entry.isDirectory() || !isHashFolder(entry.name)) yield place;
    else for await (const { name } of entriesOf(place)) if (!isProbeName(name)) yield path.join(place, name);
  }
}

async function* entriesOf(folder: string) {
  try {
    yield* await opendir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw asStoreError(error, folder);
  }
}
