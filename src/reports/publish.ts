import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { type ErrorCode, LedgerError } from '../errors.ts';
import { makeFolder, syncFolder } from '../folders.ts';
import { isDraftName, manifestName } from './names.ts';
import type { DraftFile } from './draft-file.ts';
import { removeSuperseded } from './superseded.ts';

/**
 * Writes and syncs a file under a temporary name in its folder.
 *
 * @throws LedgerError `storage_full` or `storage_failed`; nothing is left behind.
 */
export async function writeDraft(
  directory: string,
  name: string,
  chunks: Iterable<Buffer> | AsyncIterable<Buffer>,
  signal?: AbortSignal,
): Promise<DraftFile> {
  const temporaryPath = path.join(directory, `.${name}.${randomBytes(6).toString('hex')}.draft`);
  const hash = createHash('sha256');
  let bytes = 0;
  let lines = 0;
  try {
    await makeFolder(directory);
    const file = await open(temporaryPath, 'wx', 0o644);
    try {
      for await (const chunk of chunks) {
        signal?.throwIfAborted();
        hash.update(chunk);
        bytes += chunk.length;
        for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines += 1;
        await writeAll(file, chunk);
      }
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    await rm(temporaryPath, { force: true }).catch(() => undefined);
    throw asStorageError(error, directory);
  }
  return { name, temporaryPath, sha256: hash.digest('hex'), bytes, rows: lines - 1 };
}

/**
 * Renames drafts to their final names, in order, and syncs the folder. The last file makes the set valid. A set with
 * the report's manifest replaces the month's previous one: files that are not part of it are removed.
 */
export async function publishDrafts(directory: string, drafts: readonly DraftFile[]): Promise<void> {
  try {
    for (const draft of drafts) await rename(draft.temporaryPath, path.join(directory, draft.name));
    await syncFolder(directory);
    const names = drafts.map(({ name }) => name);
    if (!names.includes(manifestName)) return;
    await removeSuperseded(directory, names);
    await syncFolder(directory);
  } catch (error) {
    throw asStorageError(error, directory);
  }
}

/** Removes drafts left behind by an interrupted run. The caller must hold the month's report lock. */
export async function removeStaleDrafts(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names) if (isDraftName(name)) await rm(path.join(directory, name), { force: true });
}

export async function discardDrafts(drafts: readonly DraftFile[]): Promise<void> {
  for (const { temporaryPath } of drafts) await rm(temporaryPath, { force: true }).catch(() => undefined);
}

async function writeAll(file: FileHandle, chunk: Buffer): Promise<void> {
  for (let written = 0; written < chunk.length;) {
    const { bytesWritten } = await file.write(chunk, written);
    written += bytesWritten;
  }
}

const storageCodes: Record<string, ErrorCode> = {
  ENOSPC: 'storage_full',
  EDQUOT: 'storage_full',
  EFBIG: 'storage_full',
};
const fileSystemCodes =
  /^E(ACCES|PERM|ROFS|NOTDIR|ISDIR|IO|MFILE|NFILE|EXIST|NOENT|BUSY|INVAL|XDEV|LOOP|NAMETOOLONG|STALE|NOTEMPTY)$/;

/** Converts failures of the file system. Other errors stay as they are. */
export function asStorageError(error: unknown, place: string): Error {
  const systemCode = (error as NodeJS.ErrnoException | null)?.code ?? '';
  const isCallOfFileSystem = (error as NodeJS.ErrnoException | null)?.syscall !== undefined;
  const code =
    storageCodes[systemCode] ?? (isCallOfFileSystem && fileSystemCodes.test(systemCode) ? 'storage_failed' : undefined);
  if (!code) return error instanceof Error ? error : new Error(String(error));
  return new LedgerError(
    code,
    code === 'storage_full'
      ? `There is no room left to write in ${place}.`
      : `Writing in ${place} failed (${systemCode}).`,
    { hint: 'Nothing was published. Free space or correct the folder, then run it again.', cause: error },
  );
}
