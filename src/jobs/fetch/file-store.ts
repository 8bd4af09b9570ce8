import { createHash, randomBytes } from 'node:crypto';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { LedgerError } from '../../errors.ts';
import { makeFolder, syncFolder } from '../../folders.ts';
import { type ClaimedContent, examine } from '../../store/contents.ts';
import { asStoreError } from '../../store/errors.ts';
import { incomingFolder, storedPath, storeFolder } from '../../store/layout.ts';
import type { Download, Sink } from '../../id-scan/client.ts';

export type StoredContent = { readonly sha256: string; readonly bytes: number; readonly mediaType: string };

const imageTypes = new Set([
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/tiff',
  'image/gif',
  'image/bmp',
  'image/heic',
  'image/heif',
  'image/avif',
  'image/jp2',
]);
const pdf = 'application/pdf';

/** Bytes kept from either end of a file to tell its type. */
const headBytes = 4_100;
const tailBytes = 1_024;

/** What is accepted: images and PDFs for documents, PDFs alone for audit reports. */
export type Accept = 'document' | 'pdf';

/**
 * Streams a download into the store, under its hash: temporary name, checks, sync, rename. A content that is already
 * stored is not written twice; one that was damaged is replaced once the new one is whole.
 *
 * The folder for downloads is made when the store is opened, and never here: where it is missing, the disk is.
 *
 * @throws LedgerError `file_empty`, `file_type_refused`, `file_truncated`, `storage_full`, `storage_failed`, and what
 * `download` throws. Nothing is left behind.
 */
export async function storeDownload(
  dataDir: string,
  accept: Accept,
  download: (sink: Sink) => Promise<Download>,
): Promise<StoredContent> {
  const store = storeFolder(dataDir);
  const temporaryPath = path.join(incomingFolder(store), randomBytes(12).toString('hex'));
  try {
    const file = await open(temporaryPath, 'wx', 0o600);
    const ends = endsOf();
    let contentType: string | null;
    try {
      ({ contentType } = await download(async (chunk) => {
        ends.take(chunk);
        await file.writeFile(chunk);
      }));
      await file.sync();
    } finally {
      await file.close();
    }
    const { bytes, sha256, head, tail } = ends.result();
    const mediaType = await checkedType(accept, { bytes, head, tail, contentType });
    await keep(dataDir, temporaryPath, { sha256, bytes: String(bytes) });
    return { sha256, bytes, mediaType };
  } catch (error) {
    await rm(temporaryPath, { force: true }).catch(() => undefined);
    throw asStoreError(error, store);
  }
}

/** Longer than any download may take. */
const staleAfterMs = 3_600_000;

/** Removes downloads that a killed worker left unfinished: they are images of identity documents. */
export async function removeStaleDownloads(dataDir: string, nowMs: number): Promise<void> {
  const folder = incomingFolder(storeFolder(dataDir));
  for (const name of await readdir(folder).catch(() => [])) {
    const file = path.join(folder, name);
    if (await isOlderThanAnyDownload(file, nowMs)) await rm(file, { force: true });
  }
}

/** Whether nothing that is still under way can have written a file last. */
export async function isOlderThanAnyDownload(file: string, nowMs: number): Promise<boolean> {
  const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: nowMs }));
  return nowMs - mtimeMs > staleAfterMs;
}

async function keep(dataDir: string, temporaryPath: string, content: ClaimedContent): Promise<void> {
  if ((await examine(dataDir, content)) === 'stored') {
    await rm(temporaryPath, { force: true });
    return;
  }
  const finalPath = storedPath(dataDir, content.sha256);
  const folder = path.dirname(finalPath);
  try {
    await rename(temporaryPath, finalPath);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    // The first content with such a hash.
    await makeFolder(folder, 0o700);
    await rename(temporaryPath, finalPath);
  }
  await syncFolder(folder);
}

/** Hash, size and both ends of what streams by. */
function endsOf() {
  const hash = createHash('sha256');
  let bytes = 0;
  let head = Buffer.alloc(0);
  let tail = Buffer.alloc(0);
  return {
    take(chunk: Uint8Array): void {
      hash.update(chunk);
      bytes += chunk.length;
      if (head.length < headBytes) head = Buffer.concat([head, chunk.subarray(0, headBytes - head.length)]);
      tail = Buffer.concat([tail, chunk.subarray(-tailBytes)]).subarray(-tailBytes);
    },
    result: () => ({ bytes, sha256: hash.digest('hex'), head, tail }),
  };
}

type Received = { bytes: number; head: Buffer; tail: Buffer; contentType: string | null };

async function checkedType(accept: Accept, { bytes, head, tail, contentType }: Received): Promise<string> {
  if (bytes === 0) throw new LedgerError('file_empty', 'The vendor sent an empty file.');
  // A worker at rest does without it.
  const { fileTypeFromBuffer } = await import('file-type');
  const detected = (await fileTypeFromBuffer(head))?.mime;
  const isAccepted = detected === pdf || (accept === 'document' && detected !== undefined && imageTypes.has(detected));
  if (
    !isAccepted ||
    (accept === 'pdf' && contentType !== null && contentType !== pdf && contentType !== 'application/octet-stream')
  )
    throw new LedgerError(
      'file_type_refused',
      `The vendor sent ${detected ?? 'something else'} where a ${accept} was expected.`,
      {
        fields: { detected: detected ?? null, contentType },
      },
    );
  if (detected === pdf && !(head.subarray(0, 5).equals(Buffer.from('%PDF-')) && tail.includes('%%EOF')))
    throw new LedgerError('file_truncated', 'The vendor sent a PDF that is cut: it has no trailer.', {
      fields: { bytes },
    });
  return detected;
}
