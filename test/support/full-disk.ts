import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/**
 * No file of this process may grow beyond so many bytes while the task runs. Its writes fail (EFBIG), which means the
 * same as on a full disk, for root and everybody else.
 */
export async function withFileLimit(bytes: number, task: () => Promise<void>): Promise<void> {
  const limits = (...words: string[]): string =>
    execFileSync('prlimit', ['--pid', String(process.pid), ...words], { encoding: 'utf8' }).trim();
  const before = limits('--fsize', '--output', 'SOFT', '--noheadings', '--raw');
  // Node ignores the signal that comes with the error, but only as long as no package has listened to it.
  const ignore = (): void => undefined;
  process.on('SIGXFSZ', ignore);
  limits(`--fsize=${bytes}:`);
  try {
    await task();
  } finally {
    limits(`--fsize=${before}:`);
    process.off('SIGXFSZ', ignore);
  }
}

/** A file system of its own, which root alone can have: its writes fail (ENOSPC) when it is full. */
export function mountDisk(size: string): { readonly folder: string; readonly unmount: () => void } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'idscan-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]);
  return {
    folder,
    unmount: () => {
      execFileSync('umount', [folder]);
      rmdirSync(folder);
    },
  };
}
