import { randomBytes, randomInt } from 'node:crypto';
import { access, constants, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { LedgerError } from '../errors.ts';
import { makeFolderAlone, syncFolder } from '../folders.ts';
import { asStoreError } from './errors.ts';
import { incomingFolder, isShard } from './layout.ts';

/** As large as a typical document: a disk with room for only a few bytes counts as full. */
const probeBytes = 1024 ** 2;

/**
 * Does with a test file everything that is done with a document: write, sync, read back, rename, remove. Checks every
 * shard, because another user may have created some of them. Creates the folder for downloads, but not the store's
 * own.
 *
 * @throws LedgerError `storage_full`, `storage_failed`; nothing is left behind.
 */
export async function probeFolder(folder: string): Promise<void> {
  const name = `${randomBytes(12).toString('hex')}.probe`;
  const written = path.join(incomingFolder(folder), name);
  let renamed: string | undefined;
  try {
    await makeFolderAlone(incomingFolder(folder), 0o700);
    const target = await folderOfContents(folder);
    const bytes = randomBytes(probeBytes);
    const file = await open(written, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(written, path.join(target, name));
    renamed = path.join(target, name);
    await syncFolder(target);
    if (!(await readFile(renamed)).equals(bytes))
      throw new LedgerError('storage_failed', `What was written to ${target} reads back as something else.`, {
        hint: 'Check the disk and the file system.',
      });
    await rm(renamed);
  } catch (error) {
    for (const left of [written, ...(renamed === undefined ? [] : [renamed])])
      await rm(left, { force: true }).catch(() => undefined);
    throw asStoreError(error, folder);
  }
}

/** Picks a shard, after checking that this user may use all of them. Creates the first one. */
async function folderOfContents(folder: string): Promise<string> {
  const found = (await readdir(folder)).filter(isShard).map((name) => path.join(folder, name));
  for (const one of found) await access(one, constants.R_OK | constants.W_OK | constants.X_OK);
  const chosen = found.length === 0 ? path.join(folder, '00') : (found[randomInt(found.length)] ?? '');
  if (found.length === 0) await makeFolderAlone(chosen, 0o700);
  return chosen;
}
