import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { LedgerError } from '../errors.ts';

/** As whom files are owned and programs run. Only root has a choice; everybody else is simply himself. */
export type Account = Readonly<{ uid: number; gid: number }>;

const FULL = new Set(['ENOSPC', 'EDQUOT']);
const DENIED = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENAMETOOLONG', 'ENOENT', 'EIO']);

/** The `code` of a system error, such as `ENOENT`. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** What went wrong with the data folder, in words; any other error comes back as it is. */
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

/** The text of a file, or undefined when there is none. */
export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await fs.readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Writes a file that only its owner may read, and never half. What is of use only while its writer runs need not
 * outlive a power cut (`durable`); syncing takes long where others write a lot.
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

/** Makes a rename in this folder outlive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A password from the file that keeps it; made up and kept when there is none yet. */
export async function keptPassword(file: string, account: Account | undefined): Promise<string> {
  const kept = (await readIfThere(file))?.trim();
  if (kept !== undefined && kept !== '') return kept;
  const made = randomBytes(24).toString('hex');
  await writeWhole(file, `${made}\n`, { account, durable: true });
  return made;
}
