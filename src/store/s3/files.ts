import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { setImmediate as othersRun } from 'node:timers/promises';
import { LedgerError } from '../../errors.ts';
import type { DraftFile } from '../../reports/draft-file.ts';
import type { OpenFile } from '../../reports/report-store.ts';
import type { S3Connection } from './connection.ts';
import { causeOfFailure } from './errors.ts';
import { type Described, describeObject, isLost, openObject, read, sendBody } from './objects.ts';

/** What one request takes, by S3's own limit. */
const mostBytes = 5 * 1_024 ** 3;
/** More than any manifest or letter has. */
const mostSmallBytes = 16 * 1_024 ** 2;

/**
 * Opens a file, which may be of any size. Every reading gives the same bytes, or fails.
 *
 * @throws an error as of a file system (`ENOENT`) if there is none; LedgerError `storage_failed`
 */
export async function openFile(connection: S3Connection, key: string): Promise<OpenFile> {
  const found = await describeObject(connection, key);
  if (!found) throw missing(key);
  return { chunks: () => chunksOf(connection, key, found), close: () => Promise.resolve() };
}

export const fileStream = (connection: S3Connection, key: string): Readable =>
  Readable.from(
    (async function* () {
      yield* (await openFile(connection, key)).chunks();
    })(),
    { objectMode: false },
  );

/**
 * Reads a small file.
 *
 * @throws as {@link openFile}, and LedgerError `storage_failed` if it is too large to be one of ours
 */
export async function readFile(connection: S3Connection, key: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of (await openFile(connection, key)).chunks()) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > mostSmallBytes) throw tooLarge(connection, mostSmallBytes);
  }
  return Buffer.concat(pieces);
}

/** Whether a file lies there with these bytes. Reads all of it. */
export async function isFileStored(
  connection: S3Connection,
  key: string,
  file: Pick<DraftFile, 'sha256' | 'bytes'>,
): Promise<boolean> {
  const found = await describeObject(connection, key);
  if (found?.bytes !== file.bytes) return false;
  const hash = createHash('sha256');
  for await (const chunk of chunksOf(connection, key, found)) {
    hash.update(chunk);
    await othersRun();
  }
  return hash.digest('hex') === file.sha256;
}

/**
 * Sends a file of this machine in one request, whatever lies there.
 *
 * @throws LedgerError `storage_full`, `storage_failed`
 */
export async function sendFile(connection: S3Connection, key: string, file: DraftFile): Promise<void> {
  if (file.bytes > mostBytes) throw tooLarge(connection, mostBytes);
  const body = createReadStream(file.temporaryPath);
  try {
    await sendBody(connection, key, { body, bytes: file.bytes, sha256: file.sha256 });
  } finally {
    body.destroy();
  }
}

/** Sends some bytes, whatever lies there. @throws LedgerError `storage_full`, `storage_failed` */
export async function sendBytes(connection: S3Connection, key: string, content: Buffer): Promise<void> {
  const sha256 = createHash('sha256').update(content).digest('hex');
  await sendBody(connection, key, { body: Readable.from([content]), bytes: content.length, sha256 });
}

/**
 * Reads an object to its end. Where it breaks off, because the store or a slow reader took too long, the rest of the
 * same object is asked for, as long as every request brings something.
 */
async function* chunksOf(
  connection: S3Connection,
  key: string,
  { bytes, etag }: Pick<Described, 'bytes' | 'etag'>,
): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes;) {
    const from = at;
    try {
      const { body } = await openObject(connection, key, { from, etag });
      for await (const chunk of read(connection, body)) {
        at += chunk.length;
        yield chunk as Buffer;
      }
      if (at < bytes) throw changed(connection);
    } catch (error) {
      if (isLost(error)) throw missing(key);
      if (causeOfFailure(error) === 'PreconditionFailed') throw changed(connection);
      if (at === from) throw error;
    }
  }
}

/** As a file system would say it. */
const missing = (key: string): Error =>
  Object.assign(new Error(`there is no ${key}`), { code: 'ENOENT', syscall: 'get' });

const changed = ({ place }: S3Connection): LedgerError =>
  new LedgerError('report_changed', `A file in ${place} was changed while it was read.`, {
    hint: 'Names of reports are written once, so somebody else changed it. Verify the reports.',
  });

const tooLarge = ({ place }: S3Connection, most: number): LedgerError =>
  new LedgerError('storage_failed', `A file of more than ${most} bytes is neither written to ${place} nor read.`, {
    hint: 'Use a folder (REPORTS_DIR) for reports as large as that.',
  });
