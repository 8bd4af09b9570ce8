import { mkdir, open, stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * Creates a folder and its parents, and syncs each parent so that the new names survive a crash. Unlike Node's
 * recursive `mkdir`, it fails where the parent exists but the file system refuses to create anything in it. Node
 * retries for ever there (below /proc, for example).
 *
 * @throws the file system's error
 */
export async function makeFolder(folder: string, mode = 0o777): Promise<void> {
  const above = path.dirname(folder);
  for (let attempt = 1; ; attempt += 1)
    try {
      await makeFolderAlone(folder, mode);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === folder || attempt > 1) throw error;
      if (!(await isFolder(above))) await makeFolder(above, mode);
    }
}

/** Creates a folder as {@link makeFolder} does, but not its parents: where they are missing, so is the disk. */
export async function makeFolderAlone(folder: string, mode = 0o777): Promise<void> {
  try {
    await mkdir(folder, { mode });
    await syncFolder(path.dirname(folder));
  } catch (error) {
    if (!(await isFolder(folder))) throw error;
  }
}

/** Syncs a folder, so that the names in it survive a crash. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function isFolder(name: string): Promise<boolean> {
  return stat(name).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
