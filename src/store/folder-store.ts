import { createHash, randomUUID } from 'node:crypto';
import { constants, type FileHandle, lstat, open, opendir, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { makeFolderAlone, syncFolder } from '../folders.ts';
import { asStoreError, nameTaken } from './errors.ts';
import { incomingFolder, isOwnFolder, isProbeName, objectPath } from './layout.ts';
import { markerPath, readMarker, writeMarker } from './marker.ts';
import {
  type Anything,
  beginBytes,
  type Finding,
  isOlderThanAnyDownload,
  type ObjectStore,
  type Sink,
  type StoredObject,
  type StoreEntry,
  type Unfinished,
} from './object-store.ts';
import { probeFolder } from './probe.ts';

/** A store in a folder on a disk that all workers share. Nothing is checked before it is used. */
export function folderStore(folder: string): ObjectStore {
  return {
    place: folder,
    put: (name, fill) => put(folder, name, fill),
    has: ({ name, bytes }) =>
      lstat(objectPath(folder, name)).then(
        (found) => found.isFile() && String(found.size) === bytes,
        () => false,
      ),
    examine: (object) => examine(folder, object),
    get: (name) => get(folder, name),
    remove: (name) => remove(folder, name),
    removeUnder: async (prefix) => {
      for await (const { name } of list(folder, prefix)) await remove(folder, name);
    },
    unfinished: () => unfinished(folder),
    removeStale: (nowMs) => removeStale(folder, nowMs),
    list: (prefix) => list(folder, prefix),
    everything: () => everything(folder),
    marker: () => readMarker(folder),
    mark: (id) => writeMarker(folder, id),
    probe: () => probeFolder(folder),
  };
}

/** Does not create the folder for downloads: opening the store did. If it is missing, so is the disk. */
async function put(folder: string, name: string, fill: (sink: Sink) => Promise<void>): Promise<StoredObject> {
  const temporaryPath = path.join(incomingFolder(folder), randomUUID());
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
    await keep(folder, temporaryPath, name);
    return { name, sha256: hash.digest('hex'), bytes: String(bytes) };
  } catch (error) {
    await rm(temporaryPath, { force: true }).catch(() => undefined);
    throw asStoreError(error, folder);
  }
}

/** The look before the rename is enough: a name has a part by chance, so two never meet unless by a fault. */
async function keep(folder: string, temporaryPath: string, name: string): Promise<void> {
  const finalPath = objectPath(folder, name);
  if (await isTaken(finalPath)) throw nameTaken(folder, name);
  try {
    await rename(temporaryPath, finalPath);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    // The first object in this shard.
    await makeFolderAlone(path.dirname(finalPath), 0o700);
    await rename(temporaryPath, finalPath);
  }
  await syncFolder(path.dirname(finalPath));
}

const isTaken = (file: string): Promise<boolean> =>
  lstat(file).then(
    () => true,
    (error: unknown) => (error as NodeJS.ErrnoException).code !== 'ENOENT',
  );

/** Opens an object without following a link or waiting for a pipe. */
const openObject = (folder: string, name: string): Promise<FileHandle> =>
  open(objectPath(folder, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);

async function examine(folder: string, { name, sha256, bytes }: StoredObject): Promise<Finding> {
  let file: FileHandle;
  try {
    file = await openObject(folder, name);
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

async function get(folder: string, name: string): Promise<AsyncIterable<Uint8Array>> {
  try {
    const file = await openObject(folder, name);
    return file.createReadStream({ highWaterMark: pieceBytes });
  } catch (error) {
    throw asStoreError(error, folder);
  }
}

async function remove(folder: string, name: string): Promise<void> {
  try {
    await unlink(objectPath(folder, name));
    await syncFolder(path.dirname(objectPath(folder, name)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw asStoreError(error, folder);
  }
}

async function* unfinished(folder: string): AsyncGenerator<Unfinished> {
  const incoming = incomingFolder(folder);
  for await (const { name } of namesIn(incoming)) {
    const begin = await beginOf(path.join(incoming, name)).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw asStoreError(error, folder);
    });
    if (begin) yield { name: undefined, begin };
  }
}

async function beginOf(file: string): Promise<Buffer> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(beginBytes), 0, beginBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
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

async function* list(folder: string, prefix: string): AsyncGenerator<StoreEntry> {
  const slash = prefix.indexOf('/');
  if (slash >= 0) {
    yield* listShard(folder, prefix.slice(0, slash), prefix.slice(slash + 1));
    return;
  }
  for await (const { name, isDirectory } of namesIn(folder)) {
    const place = path.join(folder, name);
    if (place === markerPath(folder) || place === incomingFolder(folder) || !name.startsWith(prefix)) continue;
    if (isDirectory) yield* listShard(folder, name, '');
    else yield entry(folder, name);
  }
}

async function* listShard(folder: string, shard: string, prefix: string): AsyncGenerator<StoreEntry> {
  for await (const { name } of namesIn(path.join(folder, shard)))
    if (!isProbeName(name) && name.startsWith(prefix)) yield entry(folder, `${shard}/${name}`);
}

async function* everything(folder: string): AsyncGenerator<Anything> {
  const own: string[] = [];
  for await (const { name, isDirectory } of namesIn(folder)) {
    const place = path.join(folder, name);
    if (place === markerPath(folder) || place === incomingFolder(folder)) continue;
    if (isDirectory && isOwnFolder(name)) own.push(name);
    else yield* allUnder(folder, name, isDirectory);
  }
  for (const name of own) yield* allUnder(folder, name, true);
}

async function* allUnder(folder: string, name: string, isDirectory: boolean): AsyncGenerator<Anything> {
  const place = objectPath(folder, name);
  try {
    if (isDirectory)
      for await (const found of await opendir(place, { bufferSize: namesAtOnce }))
        yield* allUnder(folder, `${name}/${found.name}`, found.isDirectory());
    else yield { name, begin: () => beginOf(place).catch(() => Buffer.of()) };
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') yield { name, begin: () => Promise.resolve(Buffer.of()) };
    else if (code !== 'ENOENT') throw asStoreError(error, folder);
  }
}

const entry = (folder: string, name: string): StoreEntry => ({
  name,
  writtenAtMs: () => writtenAtMs(objectPath(folder, name)),
});

/** A shard may have tens of thousands. With Node's default, 32, it takes twice as long. */
const namesAtOnce = 1_024;

/** The names in a folder; none if it does not exist. */
async function* namesIn(folder: string): AsyncGenerator<{ name: string; isDirectory: boolean }> {
  try {
    for await (const found of await opendir(folder, { bufferSize: namesAtOnce }))
      yield { name: found.name, isDirectory: found.isDirectory() };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw asStoreError(error, folder);
  }
}
