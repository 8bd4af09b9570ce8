import { mkdir, open, stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * Makes a folder and those above it, durably. Unlike Node's own recursive `mkdir`, it fails where a file system lets nothing be
 * made although the folder above is there (below /proc, Node tries for ever).
 *
 * @throws the file system's error
 */
export async function makeFolder(folder: string, mode = 0o777): Promise<void> {
  const above = path.dirname(folder);
  for (let attempt = 1; ; attempt += 1)
    try {
      await mkdir(folder, { mode });
      await syncFolder(above);
      return;
    } catch (error) {
      if (await isFolder(folder)) return;
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === folder || attempt > 1) throw error;
      if (!(await isFolder(above))) await makeFolder(above, mode);
    }
}

/** Makes the names in a folder durable. */
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
