import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setImmediate as othersRun } from 'node:timers/promises';
import { within } from '../../within.ts';
import type { Finding, Sink, StoredObject } from '../object-store.ts';
import { withBody } from './body.ts';
import type { S3Connection, S3Limits } from './connection.ts';
import { asS3Error, causeOfFailure, lostObject, nameIsTaken, tooSlow } from './errors.ts';
import { removeVersion, versionsOfKey } from './versions.ts';

type Measured = Pick<StoredObject, 'sha256' | 'bytes'>;

/**
 * Writes an object in one request that the store refuses if there is one of that name.
 *
 * @throws LedgerError `storage_conflict`, `storage_full`, `storage_failed`; and what `fill` throws
 */
export async function putObject(
  connection: S3Connection,
  key: string,
  fill: (sink: Sink) => Promise<void>,
): Promise<Measured> {
  return withBody(fill, async ({ pieces, bytes, sha256, md5 }) => {
    const body = Readable.from(pieces, { objectMode: false });
    const conditions = { ContentMD5: md5.toString('base64'), IfNoneMatch: '*' };
    const version = await sendBody(connection, key, { body, bytes, sha256 }, conditions);
    if (version !== undefined && version !== 'null') await withdrawIfSecond(connection, key, version);
    return { sha256, bytes: String(bytes) };
  });
}

type Sent = { readonly body: Readable; readonly bytes: number; readonly sha256: string };

/**
 * Writes an object in one request.
 *
 * @returns the version, where the bucket keeps versions.
 */
export async function sendBody(
  connection: S3Connection,
  key: string,
  { body, bytes, sha256 }: Sent,
  conditions: { readonly ContentMD5?: string; readonly IfNoneMatch?: string } = {},
): Promise<string | undefined> {
  const { VersionId: version } = await connection.ask(
    (s3, options, sdk) => {
      const command = new sdk.PutObjectCommand({
        Bucket: connection.bucket,
        Key: key,
        Body: body,
        // Else it would be sent in chunks, which many stores answer with 411.
        ContentLength: bytes,
        ...conditions,
      });
      command.middlewareStack.add(
        (next) => (args) => {
          // Signed with the rest. The SDK cannot know it before it has sent the body.
          (args.request as { headers: Record<string, string> }).headers['x-amz-content-sha256'] = sha256;
          return next(args);
        },
        { step: 'build', name: 'hashOfBody' },
      );
      return s3.send(command, options);
    },
    transferMs(connection.limits, bytes),
  );
  return version;
}

/** A large file may take longer, at a megabyte a second. */
const transferMs = (limits: S3Limits, bytes: number): number => limits.transferMs + bytes / 1_000;

/**
 * Where a bucket keeps versions, some stores take a conditional write for that of a new version (Ceph 16). Whoever finds
 * another version beside its own takes its own back. Of two at once neither may stay, but never both.
 */
async function withdrawIfSecond(connection: S3Connection, key: string, own: string): Promise<void> {
  for await (const { versionId, isDeleteMarker } of versionsOfKey(connection, key)) {
    if (versionId === own || isDeleteMarker) continue;
    await removeVersion(connection, key, own);
    throw nameIsTaken(connection.place);
  }
}

/** What is known of an object without reading it. `etag` is another one once other bytes are there. */
export type Described = {
  readonly bytes: number;
  readonly etag: string | undefined;
  readonly writtenAtMs: number | undefined;
};

/** What lies under a key; `undefined` = nothing does. */
export async function describeObject(connection: S3Connection, key: string): Promise<Described | undefined> {
  const { bucket: Bucket, ask } = connection;
  try {
    const found = await ask((s3, options) => s3.headObject({ Bucket, Key: key }, options));
    return { bytes: found.ContentLength ?? 0, etag: found.ETag, writtenAtMs: found.LastModified?.getTime() };
  } catch (error) {
    if (!isLost(error)) throw error;
    // The answer to HEAD has no body: the whole bucket may be what is not there.
    await ask((s3, options) => s3.headBucket({ Bucket }, options)).catch((bucketError: unknown) => {
      throw isLost(bucketError) ? asS3Error({ name: 'NoSuchBucket' }, connection.place) : bucketError;
    });
    return undefined;
  }
}

/** Compares size, then hash. An object that breaks off is a failure of the store, and says nothing about the object. */
export async function examineObject(connection: S3Connection, key: string, object: Measured): Promise<Finding> {
  let received: Received;
  try {
    received = await openObject(connection, key);
  } catch (error) {
    if (isLost(error)) return 'lost';
    throw error;
  }
  if (received.bytes !== undefined && String(received.bytes) !== object.bytes) {
    received.body.destroy();
    return 'damaged';
  }
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of read(connection, received.body)) {
    hash.update(chunk);
    bytes += chunk.length;
    // Hashing alone would keep everybody else waiting where the store is faster.
    await othersRun();
  }
  return String(bytes) === object.bytes && hash.digest('hex') === object.sha256 ? 'stored' : 'damaged';
}

/** @throws LedgerError `storage_failed`, also while it is read */
export async function getObject(connection: S3Connection, key: string): Promise<AsyncIterable<Uint8Array>> {
  return read(connection, (await openObject(connection, key)).body);
}

export const isLost = (error: unknown): boolean => ['NoSuchKey', 'NotFound'].includes(causeOfFailure(error) ?? '');

type Received = { readonly body: Readable; readonly bytes: number | undefined };

/** @param part where to begin, and of which object: another one is refused (`PreconditionFailed`). */
export async function openObject(
  connection: S3Connection,
  key: string,
  { from, etag }: { readonly from: number; readonly etag?: string | undefined } = { from: 0 },
): Promise<Received> {
  const { bucket, place, ask } = connection;
  const part = {
    ...(from === 0 ? {} : { Range: `bytes=${from}-` }),
    ...(etag === undefined ? {} : { IfMatch: etag }),
  };
  const { Body, ContentLength } = await ask((s3, options) =>
    s3.getObject({ Bucket: bucket, Key: key, ...part }, options),
  );
  if (Body === undefined) throw lostObject(place);
  const body = Body as Readable;
  // It may break off before anybody reads it. Whoever reads is told.
  body.on('error', () => undefined);
  return { body, bytes: ContentLength };
}

/** Reads to the end. Only what the store takes counts for the deadline: whoever reads may be slow. */
export async function* read({ place, limits }: S3Connection, body: Readable): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  let leftMs = limits.transferMs;
  try {
    for (;;) {
      const askedMs = performance.now();
      const next = await within(leftMs, chunks.next(), () => tooSlow(place));
      leftMs = Math.max(1, leftMs - (performance.now() - askedMs));
      if (next.done) return;
      yield next.value;
    }
  } catch (error) {
    throw asS3Error(error, place);
  } finally {
    body.destroy();
  }
}
