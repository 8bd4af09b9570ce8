import type { S3Address } from '../config/s3-address.ts';
import { errorCode } from '../errors.ts';
import { isOlderThanAnyDownload } from './object-store.ts';
import { anothersStore } from './errors.ts';
import { markerIn, markerText, nameOfMarker } from './marker.ts';
import { isOwnFolder } from './layout.ts';
import { type Anything, beginBytes, type ObjectStore, type StoreEntry, type Unfinished } from './object-store.ts';
import { type S3Connection, s3Connection, type S3Limits, usualLimits } from './s3/connection.ts';
import { abortUploads, everKnownUnder, levelUnder, objectsUnder, uploadsUnder } from './s3/listing.ts';
import { describeObject, examineObject, getObject, isLost, putObject } from './s3/objects.ts';
import { folderOfProbes, isProbeName, probeStore } from './s3/probe.ts';
import { knowsNoVersions, removeAllVersions, removeVersion, versionsUnder } from './s3/versions.ts';

/** A store in a bucket of an S3-compatible server. Nothing is loaded, connected or checked before it is used. */
export function s3Store(address: S3Address, limits: S3Limits = usualLimits): ObjectStore {
  const connection = s3Connection(address, limits);
  const keyOf = (name: string): string => connection.prefix + name;
  const store: Omit<ObjectStore, 'probe'> = {
    place: connection.place,
    put: async (name, fill) => ({ name, ...(await putObject(connection, keyOf(name), fill)) }),
    has: async ({ name, bytes }) => String((await describeObject(connection, keyOf(name)))?.bytes) === bytes,
    examine: (object) => examineObject(connection, keyOf(object.name), object),
    get: (name) => getObject(connection, keyOf(name)),
    remove: (name) => remove(connection, keyOf(name)),
    removeUnder: (prefix) => removeUnder(connection, keyOf(prefix)),
    list: (prefix, options) => list(connection, prefix, options?.everyVersion ?? false),
    everything: () => everything(connection),
    unfinished: () => unfinished(connection),
    removeStale: (nowMs) => removeStale(connection, nowMs),
    marker: () => readMarker(connection),
    mark: (id) => writeMarker(connection, id),
  };
  return { ...store, probe: () => probeStore(store) };
}

async function remove(connection: S3Connection, key: string): Promise<void> {
  await removeAllVersions(connection, key);
  await abortUploads(connection, key, (upload) => upload.key === key);
}

/** With one look for versions and one for unfinished uploads, however many objects there are. */
async function removeUnder(connection: S3Connection, prefix: string): Promise<void> {
  try {
    for await (const { key, versionId } of versionsUnder(connection, prefix))
      await removeVersion(connection, key, versionId);
  } catch (error) {
    if (!knowsNoVersions(error)) throw error;
    for await (const { key } of objectsUnder(connection, prefix)) await removeAllVersions(connection, key);
  }
  await abortUploads(connection, prefix, () => true);
}

async function* list(connection: S3Connection, prefix: string, everyVersion: boolean): AsyncGenerator<StoreEntry> {
  const listed = everyVersion ? everKnownUnder : objectsUnder;
  for await (const { key, writtenAtMs } of listed(connection, connection.prefix + prefix)) {
    const name = key.slice(connection.prefix.length);
    if (name !== nameOfMarker && !isProbeName(name)) yield { name, writtenAtMs: () => Promise.resolve(writtenAtMs) };
  }
}

async function* everything(connection: S3Connection): AsyncGenerator<Anything> {
  const { folders } = await levelUnder(connection, connection.prefix);
  const odd = folders.filter((name) => !isOwnFolder(name)).map((name) => `${name}/`);
  for (const prefix of odd) yield* anythingUnder(connection, prefix);
  for await (const one of anythingUnder(connection, ''))
    if (!odd.some((prefix) => one.name.startsWith(prefix)) && one.name !== nameOfMarker) yield one;
}

async function* anythingUnder(connection: S3Connection, prefix: string): AsyncGenerator<Anything> {
  for await (const { key } of everKnownUnder(connection, connection.prefix + prefix))
    yield { name: key.slice(connection.prefix.length), begin: () => beginOf(connection, key) };
}

async function beginOf(connection: S3Connection, key: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const piece of await getObject(connection, key)) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes >= beginBytes) break;
    }
  } catch (error) {
    if (!isLost(error)) throw error;
  }
  return Buffer.concat(pieces).subarray(0, beginBytes);
}

async function* unfinished(connection: S3Connection): AsyncGenerator<Unfinished> {
  for await (const { key } of uploadsUnder(connection, connection.prefix))
    yield { name: key.slice(connection.prefix.length), begin: Buffer.alloc(0) };
}

async function removeStale(connection: S3Connection, nowMs: number): Promise<void> {
  const { prefix } = connection;
  await abortUploads(connection, prefix, ({ startedAtMs }) => isOlderThanAnyDownload(startedAtMs, nowMs));
  for await (const { key, writtenAtMs } of everKnownUnder(connection, `${prefix}${folderOfProbes}`))
    if (isOlderThanAnyDownload(writtenAtMs, nowMs)) await removeAllVersions(connection, key);
}

/** Larger is none of ours. */
const mostMarkerBytes = 1_024;

async function readMarker(connection: S3Connection): Promise<string | undefined> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const piece of await getObject(connection, connection.prefix + nameOfMarker)) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes > mostMarkerBytes) break;
    }
  } catch (error) {
    if (isLost(error)) return undefined;
    throw error;
  }
  return markerIn(Buffer.concat(pieces).toString('utf8'), connection.place);
}

/** A second worker that marks the same store finds it done. */
async function writeMarker(connection: S3Connection, id: string): Promise<void> {
  try {
    await putObject(connection, connection.prefix + nameOfMarker, (sink) => sink(Buffer.from(markerText(id))));
  } catch (error) {
    if (errorCode(error) !== 'storage_conflict') throw error;
    const found = await readMarker(connection);
    // Two that mark at once in a bucket with versions may both be refused: it is nobody's yet.
    if (found === undefined) throw error;
    if (found !== id) throw anothersStore(connection.place);
  }
}
