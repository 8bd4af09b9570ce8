import { execFile } from 'node:child_process';
import { rm, stat, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { makeFolder } from '../../src/folders.ts';
import { atEnd } from '../support/books.ts';

const run = promisify(execFile);
const pageBytes = 4_096;

/** A folder in which there is only so much room. */
export type SmallDisk = {
  /** Leaves room for so many pages of 4 KiB. */
  readonly fill: (pagesLeft: number) => Promise<void>;
  readonly makeRoom: () => Promise<void>;
};

/** A file system of its own that somebody else fills: ENOSPC, as on a full disk. For root alone. */
export async function mountSmallDisk(folder: string): Promise<SmallDisk> {
  await makeFolder(folder, 0o700);
  await run('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=0700', 'tmpfs', folder]);
  atEnd(() => run('umount', ['-l', folder]));
  const ballast = path.join(folder, 'ballast');
  const makeRoom = (): Promise<void> => rm(ballast, { force: true });
  return {
    makeRoom,
    fill: async (pagesLeft) => {
      await makeRoom();
      const { bavail, bsize } = await statfs(folder);
      const bytes = bavail * bsize - pagesLeft * pageBytes;
      await writeFile(ballast, Buffer.alloc(bytes));
      if ((await stat(ballast)).size !== bytes) throw new Error('the disk could not be filled');
    },
  };
}

/** A limit on how large a file of a process may become, so that its writes fail (EFBIG). Needs no right. */
export function limitedProcess(pidOf: () => number): SmallDisk {
  const limit = (bytes: string): Promise<void> =>
    run('prlimit', ['--pid', String(pidOf()), `--fsize=${bytes}:`]).then(() => undefined);
  return {
    makeRoom: () => limit('unlimited'),
    fill: (pagesLeft) => limit(String(pagesLeft * pageBytes)),
  };
}
