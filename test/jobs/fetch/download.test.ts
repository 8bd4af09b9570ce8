import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type ErrorCode, LedgerError } from '../../../src/errors.ts';
import { type Accept, storeDownload } from '../../../src/jobs/fetch/download.ts';
import { documentStore } from '../../../src/store/open.ts';
import { contentPath } from '../../../src/store/layout.ts';
import type { Sink } from '../../../src/id-scan/client.ts';

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const jpeg = Buffer.concat([Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'), Buffer.alloc(9_000, 7)]);
const gif = Buffer.from('GIF89a\x01\x00\x01\x00\x00\x00\x00;', 'latin1');
const pdf = Buffer.from(`%PDF-1.7\n${'1 0 obj\n<<>>\nendobj\n'.repeat(400)}trailer\n<<>>\nstartxref\n9\n%%EOF\n`);
const html = Buffer.from('<!doctype html><html><body>Please log in</body></html>');
const json = Buffer.from('{"status":404,"message":"Not found"}');
const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');

function dataDir(): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'idscan-files-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  mkdirSync(path.join(directory, 'data', 'documents', 'incoming'), { recursive: true, mode: 0o700 });
  return path.join(directory, 'data');
}

const storeIn = (directory: string) => documentStore({ dataDir: directory });
const storedPath = (directory: string, sha256: string) => contentPath(storeIn(directory).place, sha256);

function relink(place: string): void {
  rmSync(place);
  symlinkSync('/etc/hostname', place);
}

const hashOf = (content: Buffer) => createHash('sha256').update(content).digest('hex');

/** A download that hands out the content in pieces of this size. */
function downloadOf(content: Buffer, contentType: string | null = null, pieceBytes = 1_000) {
  return async (sink: Sink) => {
    for (let at = 0; at < content.length; at += pieceBytes) await sink(content.subarray(at, at + pieceBytes));
    return { bytes: content.length, contentType };
  };
}

/** Every file below a folder, as a path relative to it. */
function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .sort();
}

async function refused(
  content: Buffer,
  accept: Accept,
  contentType: string | null,
  code: ErrorCode,
): Promise<LedgerError> {
  const directory = dataDir();
  const error = await storeDownload(storeIn(directory), accept, downloadOf(content, contentType)).then(
    (stored) => expect.fail(`stored as ${stored.media_type}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LedgerError);
  expect(error).toMatchObject({ code });
  expect(filesBelow(directory)).toEqual([]);
  return error as LedgerError;
}

describe('a document', () => {
  test.each<[string, Buffer, mediaType: string, contentType: string | null]>([
    ['a PNG', png, 'image/png', 'image/png'],
    ['a JPEG', jpeg, 'image/jpeg', 'image/jpeg'],
    ['a GIF', gif, 'image/gif', null],
    ['a PDF', pdf, 'application/pdf', 'application/pdf'],
    ['a JPEG that is called something else', jpeg, 'image/jpeg', 'application/octet-stream'],
    ['a PNG that is called HTML', png, 'image/png', 'text/html'],
  ])('is accepted for what its bytes are: %s', async (_, content, mediaType, contentType) => {
    const directory = dataDir();
    const stored = await storeDownload(storeIn(directory), 'document', downloadOf(content, contentType));
    expect(stored).toEqual({ sha256: hashOf(content), bytes: String(content.length), media_type: mediaType });
    expect(readFileSync(storedPath(directory, stored.sha256))).toEqual(content);
  });

  test.each<[string, Buffer, contentType: string]>([
    ['a page', html, 'text/html'],
    ['a page that is called an image', html, 'image/jpeg'],
    ['an error message', json, 'application/json'],
    ['an error message that is called a PDF', json, 'application/pdf'],
    ['an SVG, which can hold scripts', svg, 'image/svg+xml'],
    ['a ZIP', Buffer.from('504b0304140000000800', 'hex'), 'image/png'],
    ['a program', Buffer.from('7f454c460201010000000000', 'hex'), 'image/png'],
    ['plain text', Buffer.from('hello'), 'text/plain'],
    ['a single byte', Buffer.from('x'), 'image/png'],
    ['a PDF behind something else', Buffer.concat([Buffer.from('x'), pdf]), 'application/pdf'],
  ])('is refused and not kept: %s', async (_, content, contentType) => {
    await refused(content, 'document', contentType, 'file_type_refused');
  });
});

describe('an audit report', () => {
  test.each(['application/pdf', 'application/octet-stream', null])('is a PDF, called %s', async (contentType) => {
    const stored = await storeDownload(storeIn(dataDir()), 'pdf', downloadOf(pdf, contentType));
    expect(stored).toEqual({ sha256: hashOf(pdf), bytes: String(pdf.length), media_type: 'application/pdf' });
  });

  test.each<[string, Buffer, contentType: string | null]>([
    ['an image', png, 'image/png'],
    ['an image that is called a PDF', png, 'application/pdf'],
    ['a page that is called a PDF', html, 'application/pdf'],
    ['a PDF that is called a page', pdf, 'text/html'],
    ['a PDF that is called an image', pdf, 'image/png'],
  ])('is refused and not kept: %s', async (_, content, contentType) => {
    await refused(content, 'pdf', contentType, 'file_type_refused');
  });
});

describe('any file', () => {
  test.each<Accept>(['document', 'pdf'])('that is empty is refused (%s)', async (accept) => {
    await refused(Buffer.alloc(0), accept, 'application/pdf', 'file_empty');
  });

  test.each([
    ['in the middle', pdf.subarray(0, pdf.length / 2)],
    ['just before its trailer’s mark', pdf.subarray(0, -7)],
    ['within its mark', pdf.subarray(0, -3)],
    ['behind its first line', pdf.subarray(0, 9)],
  ])('that is a PDF cut %s is refused', async (_, content) => {
    for (const accept of ['document', 'pdf'] as const)
      await refused(content, accept, 'application/pdf', 'file_truncated');
  });

  test.each([1, 7, 4_099, 1 << 20])('is the same in pieces of %d bytes', async (pieceBytes) => {
    const short = Buffer.concat([pdf.subarray(0, 40), pdf.subarray(-40)]);
    for (const content of pieceBytes < 10 ? [short, png, gif] : [pdf, jpeg, png]) {
      const directory = dataDir();
      const stored = await storeDownload(storeIn(directory), 'document', downloadOf(content, null, pieceBytes));
      expect(stored).toMatchObject({ sha256: hashOf(content), bytes: String(content.length) });
      expect(readFileSync(storedPath(directory, stored.sha256))).toEqual(content);
    }
  });

  test('is stored under its hash alone, where nobody else may read', async () => {
    const directory = dataDir();
    const { sha256 } = await storeDownload(storeIn(directory), 'document', downloadOf(png));
    const relative = path.join('documents', sha256.slice(0, 2), sha256);
    expect(storedPath(directory, sha256)).toBe(path.join(directory, relative));
    expect(filesBelow(directory)).toEqual([relative]);
    const modeOf = (...parts: string[]) => (statSync(path.join(directory, ...parts)).mode & 0o777).toString(8);
    expect(modeOf(relative)).toBe('600');
    for (const folder of ['documents', 'documents/incoming', path.dirname(relative)])
      expect(modeOf(folder)).toBe('700');
  });

  test('of the same content is stored once, and the one that is there is not touched', async () => {
    const directory = dataDir();
    const first = await storeDownload(storeIn(directory), 'document', downloadOf(pdf));
    const { ino, mtimeMs } = statSync(storedPath(directory, first.sha256));
    expect(await storeDownload(storeIn(directory), 'pdf', downloadOf(pdf, 'application/pdf', 17))).toEqual(first);
    expect(statSync(storedPath(directory, first.sha256))).toMatchObject({ ino, mtimeMs });
    expect(filesBelow(directory)).toHaveLength(1);
  });

  test.each([
    ['overwritten', (place: string) => writeFileSync(place, Buffer.alloc(pdf.length, 7))],
    ['truncated', (place: string) => truncateSync(place, 10)],
    ['a link to something else', relink],
  ])('of a content that was %s since replaces it', async (_, damage) => {
    const directory = dataDir();
    const { sha256 } = await storeDownload(storeIn(directory), 'document', downloadOf(pdf));
    const content = { sha256, bytes: String(pdf.length) };
    damage(storedPath(directory, sha256));
    expect(await storeIn(directory).examine(content)).toBe('damaged');
    await storeDownload(storeIn(directory), 'document', downloadOf(pdf));
    expect(await storeIn(directory).examine(content)).toBe('stored');
    expect(filesBelow(directory)).toHaveLength(1);
  });

  test('may come several times at once, also where no folder is there yet', async () => {
    const contents = [png, jpeg, png, gif, png, jpeg];
    // Who makes which folder first is a race: twenty of them, each with other head starts.
    for (let race = 0; race < 20; race += 1) {
      const directory = dataDir();
      const stored = await Promise.allSettled(
        contents.map(async (one, index) => {
          for (let turn = 0; turn < (index * 7 + race) % 5; turn += 1) await setImmediate();
          return (await storeDownload(storeIn(directory), 'document', downloadOf(one, null, 4_000))).sha256;
        }),
      );
      expect(stored).toEqual(contents.map((one) => ({ status: 'fulfilled', value: hashOf(one) })));
      expect(filesBelow(directory)).toHaveLength(3);
      for (const one of contents) expect(readFileSync(storedPath(directory, hashOf(one)))).toEqual(one);
    }
  });
});

describe('a download that fails', () => {
  test.each([
    ['before its first byte', 0],
    ['half way', 4_000],
  ])('%s leaves nothing, and its own error comes out', async (_, bytes) => {
    const directory = dataDir();
    const gone = new LedgerError('vendor_gone', 'gone');
    let partly: string[] = [];
    const download = async (sink: Sink) => {
      if (bytes > 0) await sink(jpeg.subarray(0, bytes));
      partly = filesBelow(directory);
      throw gone;
    };
    await expect(storeDownload(storeIn(directory), 'document', download)).rejects.toBe(gone);
    expect(partly).toEqual([expect.stringMatching(/^documents\/incoming\/[0-9a-f]{24}$/)]);
    expect(filesBelow(directory)).toEqual([]);
  });

  test('for want of room says so', async () => {
    const directory = dataDir();
    const cause = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write' });
    const download = () => Promise.reject(cause);
    await expect(storeDownload(storeIn(directory), 'document', download)).rejects.toMatchObject({
      code: 'storage_full',
      cause,
    });
    expect(filesBelow(directory)).toEqual([]);
  });

  test('because the store is no folder says so, before anything is asked for', async () => {
    const directory = dataDir();
    rmSync(path.join(directory, 'documents'), { recursive: true });
    writeFileSync(path.join(directory, 'documents'), 'a file');
    let isAsked = false;
    const download = () => {
      isAsked = true;
      return Promise.resolve({ bytes: 0, contentType: null });
    };
    await expect(storeDownload(storeIn(directory), 'document', download)).rejects.toMatchObject({
      code: 'storage_failed',
    });
    expect(isAsked).toBe(false);
  });
});
