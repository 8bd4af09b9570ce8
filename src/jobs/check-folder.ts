import { randomBytes } from 'node:crypto';
import { open, rename, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { LedgerError } from '../errors.ts';
import { makeFolder, syncFolder } from '../folders.ts';
import { asStorageError } from '../reports/publish.ts';

/** Below this a report of a large month, or an afternoon's documents, may not fit any more. */
const leastFreeBytes = 1024 ** 3;
const leastFreeInodes = 10_000;

/**
 * Checks that a folder can be written to the way files are published (written, synced, renamed, removed), and that its
 * disk has room.
 *
 * @returns what was found, in a line.
 * @throws LedgerError `storage_failed`, `storage_full`
 */
export async function checkFolder(folder: string): Promise<string> {
  const probe = path.join(folder, `.probe-${randomBytes(6).toString('hex')}`);
  try {
    await makeFolder(folder);
    const file = await open(`${probe}.new`, 'wx', 0o600);
    try {
      await file.writeFile('probe');
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${probe}.new`, probe);
    await syncFolder(folder);
  } catch (error) {
    throw asStorageError(error, folder);
  } finally {
    for (const name of [probe, `${probe}.new`]) await rm(name, { force: true }).catch(() => undefined);
  }
  const { bavail, bsize, ffree, files } = await statfs(folder);
  const freeBytes = bavail * bsize;
  // A file system that makes inodes as it needs them says that it has none.
  const lacksInodes = files > 0 && ffree < leastFreeInodes;
  if (freeBytes < leastFreeBytes || lacksInodes)
    throw new LedgerError(
      'storage_full',
      `${folder} can be written to, but its disk has ${lacksInodes ? `${ffree} inodes` : inGibibytes(freeBytes)} left.`,
      { fields: { freeBytes }, hint: 'Make room, or move the folder to another disk.' },
    );
  return `${folder} can be written to, ${inGibibytes(freeBytes)} free`;
}

const inGibibytes = (bytes: number): string =>
  `${(bytes / 1024 ** 3).toLocaleString('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 })} GiB`;
