import { randomBytes } from 'node:crypto';
import { open, rename, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { LedgerError } from '../errors.ts';
import { makeFolder, syncFolder } from '../folders.ts';
import { asStorageError } from '../reports/publish.ts';

/** With less than this, the report of a large month or an afternoon's documents may not fit. */
const leastFreeBytes = 1024 ** 3;
const leastFreeInodes = 10_000;

/**
 * Checks that a folder can be written to in the way files are published (write, sync, rename, remove), and that its
 * disk has room.
 *
 * @returns what was found, in one line.
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
  return `${folder} can be written to, ${await checkRoom(folder)}`;
}

/**
 * Checks that a folder's disk has room.
 *
 * @returns what was found, in words.
 * @throws LedgerError `storage_full`, `storage_failed`
 */
export async function checkRoom(folder: string): Promise<string> {
  const { bavail, bsize, ffree, files } = await statfs(folder).catch((error: unknown) => {
    throw asStorageError(error, folder);
  });
  const freeBytes = bavail * bsize;
  // A file system that creates inodes on demand reports 0 of them.
  const lacksInodes = files > 0 && ffree < leastFreeInodes;
  if (freeBytes < leastFreeBytes || lacksInodes)
    throw new LedgerError(
      'storage_full',
      `The disk of ${folder} has ${lacksInodes ? `${ffree} inodes` : inGibibytes(freeBytes)} left.`,
      { fields: { freeBytes }, hint: 'Make room, or move the folder to another disk.' },
    );
  return `${inGibibytes(freeBytes)} free`;
}

const inGibibytes = (bytes: number): string =>
  `${(bytes / 1024 ** 3).toLocaleString('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 })} GiB`;
