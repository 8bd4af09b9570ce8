import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { LedgerError } from '../errors.ts';

/** The account that owns files and runs programs. Only root can choose one. */
export type Account = Readonly<{ uid: number; gid: number }>;

const FULL = new Set(['ENOSPC', 'EDQUOT']);
const DENIED = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENAMETOOLONG', 'ELOOP', 'ENOENT', 'EIO']);

/** The `code` of a system error, such as `ENOENT`. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Describes a failure of the data folder. Any other error is returned as it is. */
export function storageError(error: unknown, folder: string): unknown {
  const code = systemCode(error);
  if (error instanceof LedgerError || !(FULL.has(code) || DENIED.has(code))) return error;
  if (FULL.has(code)) {
    return new LedgerError('storage_full', `There is no room left for the embedded servers in ${folder}.`, {
      fields: { system: code },
      hint: 'Free some space, or set IDSCAN_DATA_DIR to a folder on another disk.',
      cause: error,
    });
  }
  return new LedgerError('storage_failed', `The data folder ${folder} cannot be used (${code}).`, {
    fields: { system: code },
    hint: 'Run as the user who owns it, make it writable, or set IDSCAN_DATA_DIR to another folder.',
    cause: error,
  });
}

/** The text of a file; undefined if it does not exist. */
export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await fs.readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Writes a file atomically; only its owner may read it. `durable` syncs it, which is slow while others write a lot. A
 * file that is needed only while its writer runs need not survive a power failure.
 */
export async function writeWhole(
  file: string,
  text: string,
  { account, durable }: Readonly<{ account: Account | undefined; durable: boolean }>,
): Promise<void> {
  const temporary = `${file}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    const handle = await fs.open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      if (account !== undefined) await handle.chown(account.uid, account.gid);
      if (durable) await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.rename(temporary, file);
    if (durable) await syncFolder(path.dirname(file));
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
}

/** Makes a rename in this folder survive a power failure. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A password from the file that keeps it. If there is no file, makes a password and keeps it. */
export async function keptPassword(file: string, account: Account | undefined): Promise<string> {
  const kept = (await readIfThere(file))?.trim();
  if (kept !== undefined && kept !== '') return kept;
  const made = randomBytes(24).toString('hex');
  await writeWhole(file, `${made}\n`, { account, durable: true });
  return made;
}
