import { createHash, randomBytes } from 'node:crypto';
import { constants, type FileHandle, lstat, open, opendir, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { makeFolderAlone, syncFolder } from '../folders.ts';
import {
  type Content,
  type DocumentStore,
  type Finding,
  isOlderThanAnyDownload,
  type Sink,
  type StoreEntry,
} from './document-store.ts';
import { asStoreError } from './errors.ts';
import { contentPath, incomingFolder, isHashFolder, isProbeName } from './layout.ts';
import { markerPath, readMarker, writeMarker } from './marker.ts';
import { probeFolder } from './probe.ts';

/** A store in a folder on a disk that all workers share. Nothing is checked before it is used. */
export function folderStore(folder: string): DocumentStore {
  return {
    place: folder,
    put: (fill) => put(folder, fill),
    has: ({ sha256, bytes }) =>
      lstat(contentPath(folder, sha256)).then(
        (found) => found.isFile() && String(found.size) === bytes,
        () => false,
      ),
    examine: (content) => examine(folder, content),
    get: ({ sha256 }) => get(folder, sha256),
    remove: ({ sha256 }) => remove(folder, sha256),
    removeStale: (nowMs) => removeStale(folder, nowMs),
    entries: () => entries(folder),
    marker: () => readMarker(folder),
    mark: (id) => writeMarker(folder, id),
    probe: () => probeFolder(folder),
  };
}

/** Does not create the folder for downloads: opening the store did. If it is missing, so is the disk. */
async function put(folder: string, fill: (sink: Sink) => Promise<void>): Promise<Content> {
  const temporaryPath = path.join(incomingFolder(folder), randomBytes(12).toString('hex'));
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const file = await open(temporaryPath, 'wx', 0o600);
    try {
      await fill(async (chunk) => {
        hash.update(chunk);
        bytes += chunk.length;
        await file.writeFile(chunk);
      });
      await file.sync();
    } finally {
      await file.close();
    }
    const content = { sha256: hash.digest('hex'), bytes: String(bytes) };
    await keep(folder, temporaryPath, content);
    return content;
  } catch (error) {
    await rm(temporaryPath, { force: true }).catch(() => undefined);
    throw asStoreError(error, folder);
  }
}

async function keep(folder: string, temporaryPath: string, content: Content): Promise<void> {
  if ((await examine(folder, content)) === 'stored') {
    await rm(temporaryPath, { force: true });
    return;
  }
  const finalPath = contentPath(folder, content.sha256);
  const hashFolder = path.dirname(finalPath);
  try {
    await rename(temporaryPath, finalPath);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    // The first content in this hash folder.
    await makeFolderAlone(hashFolder, 0o700);
    await rename(temporaryPath, finalPath);
  }
  await syncFolder(hashFolder);
}

/** Opens a content without following a link or waiting for a pipe. */
const openContent = (folder: string, sha256: string): Promise<FileHandle> =>
  open(contentPath(folder, sha256), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);

async function examine(folder: string, { sha256, bytes }: Content): Promise<Finding> {
  let file: FileHandle;
  try {
    file = await openContent(folder, sha256);
  } catch (error) {
    const finding = findings[(error as NodeJS.ErrnoException).code ?? ''];
    if (finding) return finding;
    throw asStoreError(error, folder);
  }
  try {
    const found = await file.stat();
    if (!found.isFile() || String(found.size) !== bytes) return 'damaged';
    return (await hashOf(file)) === sha256 ? 'stored' : 'damaged';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return 'damaged';
    throw asStoreError(error, folder);
  } finally {
    await file.close();
  }
}

const findings: Record<string, Finding> = {
  ENOENT: 'lost',
  ENOTDIR: 'lost',
  ELOOP: 'damaged',
  ENXIO: 'damaged',
  EIO: 'damaged',
};

const pieceBytes = 256 * 1_024;

async function hashOf(file: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: pieceBytes }))
    hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function get(folder: string, sha256: string): Promise<AsyncIterable<Uint8Array>> {
  try {
    const file = await openContent(folder, sha256);
    return file.createReadStream({ highWaterMark: pieceBytes });
  } catch (error) {
    throw asStoreError(error, folder);
  }
}

async function remove(folder: string, sha256: string): Promise<void> {
  try {
    await rm(contentPath(folder, sha256));
    await syncFolder(path.dirname(contentPath(folder, sha256)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw asStoreError(error, folder);
  }
}

async function removeStale(folder: string, nowMs: number): Promise<void> {
  const incoming = incomingFolder(folder);
  for (const name of await readdir(incoming).catch(() => [])) {
    const file = path.join(incoming, name);
    if (isOlderThanAnyDownload(await writtenAtMs(file), nowMs)) await rm(file, { force: true });
  }
}

const writtenAtMs = (file: string): Promise<number | undefined> =>
  stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );

async function* entries(folder: string): AsyncGenerator<StoreEntry> {
  for await (const { name, isDirectory } of namesIn(folder)) {
    const place = path.join(folder, name);
    if (place === markerPath(folder) || place === incomingFolder(folder)) continue;
    if (!isDirectory || !isHashFolder(name)) yield entry(place);
    else
      for await (const { name: inner } of namesIn(place)) if (!isProbeName(inner)) yield entry(path.join(place, inner));
  }
}

const entry = (place: string): StoreEntry => ({ name: path.basename(place), writtenAtMs: () => writtenAtMs(place) });

/** The names in a folder; none if it does not exist. */
async function* namesIn(folder: string): AsyncGenerator<{ name: string; isDirectory: boolean }> {
  try {
    for await (const found of await opendir(folder)) yield { name: found.name, isDirectory: found.isDirectory() };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw asStoreError(error, folder);
  }
}
