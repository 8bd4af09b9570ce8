import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type ErrorCode, LedgerError } from '../../../src/errors.ts';
import type { Accept } from '../../../src/jobs/fetch/file-type.ts';
import type { Sink } from '../../../src/id-scan/client.ts';
import { unseal } from '../../../src/store/encryption/keys.ts';
import { sha256Of } from '../../support/documents-by-hand.ts';
import {
  png,
  jpeg,
  gif,
  pdf,
  html,
  json,
  svg,
  dataDir,
  storeIn,
  masters,
  place,
  storingIn,
  pathOf,
  objectOf,
  contentOf,
  relink,
  downloadOf,
  filesBelow,
} from './support-download.ts';

async function refused(
  content: Buffer,
  accept: Accept,
  contentType: string | null,
  code: ErrorCode,
): Promise<LedgerError> {
  const directory = dataDir();
  const storage = storingIn(directory);
  const error = await storage.storeDownload(place, accept, downloadOf(content, contentType)).then(
    (stored) => expect.fail(`stored as ${stored.media_type}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LedgerError);
  expect(error).toMatchObject({ code });
  expect(filesBelow(directory)).toEqual([]);
  expect(storage.key()).toBeUndefined();
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
    const storage = storingIn(directory);
    const stored = await storage.storeDownload(place, 'document', downloadOf(content, contentType));
    expect(stored.media_type).toBe(mediaType);
    expect(contentOf(directory, stored, storage)).toEqual(content);
    expect(readFileSync(pathOf(directory, stored)).includes(content.subarray(0, 16))).toBe(false);
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
    const directory = dataDir();
    const storage = storingIn(directory);
    const stored = await storage.storeDownload(place, 'pdf', downloadOf(pdf, contentType));
    expect(stored.media_type).toBe('application/pdf');
    expect(contentOf(directory, stored, storage)).toEqual(pdf);
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
      const storage = storingIn(directory);
      const stored = await storage.storeDownload(place, 'document', downloadOf(content, null, pieceBytes));
      expect(contentOf(directory, stored, storage)).toEqual(content);
    }
  });

  test('is stored under the name of its place and start, where nobody else may read', async () => {
    const directory = dataDir();
    const stored = await storingIn(directory, '17').storeDownload(place, 'document', downloadOf(png));
    const shard = sha256Of(Buffer.from('t-1')).slice(0, 2);
    expect(stored.object_name).toMatch(new RegExp(`^${shard}/t-1\\.document\\.result\\.0\\.17-[0-9a-f]{8}$`));
    const relative = path.join('documents', stored.object_name!);
    expect(filesBelow(directory)).toEqual([relative]);
    const modeOf = (...parts: string[]) => (statSync(path.join(directory, ...parts)).mode & 0o777).toString(8);
    expect(modeOf(relative)).toBe('600');
    for (const folder of ['documents', 'documents/incoming', path.dirname(relative)])
      expect(modeOf(folder)).toBe('700');
  });

  test('of the same content is another object each time, and the one that is there is not touched', async () => {
    const directory = dataDir();
    const storage = storingIn(directory);
    const first = await storage.storeDownload(place, 'document', downloadOf(pdf));
    const { ino, mtimeMs } = statSync(pathOf(directory, first));
    const second = await storage.storeDownload(place, 'pdf', downloadOf(pdf, 'application/pdf', 17));
    expect(second.object_name).not.toBe(first.object_name);
    expect(second.sha256).not.toBe(first.sha256);
    expect(statSync(pathOf(directory, first))).toMatchObject({ ino, mtimeMs });
    for (const stored of [first, second]) expect(contentOf(directory, stored, storage)).toEqual(pdf);
    expect(filesBelow(directory)).toHaveLength(2);
  });

  test('can be read by the holder of any master, and by nobody with another key', async () => {
    const directory = dataDir();
    const storage = storingIn(directory);
    const stored = await storage.storeDownload(place, 'document', downloadOf(png));
    expect(storage.key()?.seals.map(({ master }) => master)).toEqual(masters.map(({ publicKey }) => publicKey));
    for (const which of [0, 1]) expect(contentOf(directory, stored, storage, which)).toEqual(png);
    for (const [which, { sealed }] of storage.key()!.seals.entries())
      expect(unseal(sealed, masters[1 - which]!)).toBeUndefined();
    const other = storingIn(directory);
    const theirs = await other.storeDownload(place, 'document', downloadOf(png));
    expect(() => contentOf(directory, { ...theirs, key_id: stored.key_id }, storage)).toThrow();
  });

  test.each([
    ['overwritten', (file: string) => writeFileSync(file, Buffer.alloc(statSync(file).size, 7))],
    ['truncated', (file: string) => truncateSync(file, 10)],
    ['a link to something else', relink],
  ])('whose object was %s since is stored beside it', async (_, damage) => {
    const directory = dataDir();
    const storage = storingIn(directory);
    const damaged = await storage.storeDownload(place, 'document', downloadOf(pdf));
    damage(pathOf(directory, damaged));
    expect(await storeIn(directory).examine(objectOf(damaged))).toBe('damaged');
    const stored = await storage.storeDownload(place, 'document', downloadOf(pdf));
    expect(await storeIn(directory).examine(objectOf(stored))).toBe('stored');
    expect(contentOf(directory, stored, storage)).toEqual(pdf);
  });

  test('is taken back together with the others of its start, and nothing else is', async () => {
    const directory = dataDir();
    const other = await storingIn(directory).storeDownload(place, 'document', downloadOf(png));
    const storage = storingIn(directory, '2');
    for (const content of [png, gif]) await storage.storeDownload(place, 'document', downloadOf(content));
    expect(filesBelow(directory)).toHaveLength(3);
    await storage.undo();
    expect(filesBelow(directory)).toEqual([path.join('documents', other.object_name!)]);
  });

  test('may come several times at once, also where no folder is there yet', async () => {
    const contents = [png, jpeg, png, gif, png, jpeg];
    // Who makes which folder first is a race: twenty of them, each with other head starts.
    for (let race = 0; race < 20; race += 1) {
      const directory = dataDir();
      const storage = storingIn(directory);
      const stored = await Promise.allSettled(
        contents.map(async (one, index) => {
          for (let turn = 0; turn < (index * 7 + race) % 5; turn += 1) await setImmediate();
          return contentOf(
            directory,
            await storage.storeDownload({ ...place, position: index }, 'document', downloadOf(one, null, 4_000)),
            storage,
          );
        }),
      );
      expect(stored).toEqual(contents.map((value) => ({ status: 'fulfilled', value })));
      expect(filesBelow(directory)).toHaveLength(contents.length);
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
    await expect(storingIn(directory).storeDownload(place, 'document', download)).rejects.toBe(gone);
    expect(partly).toEqual([expect.stringMatching(/^documents\/incoming\/[0-9a-f-]{36}$/)]);
    expect(filesBelow(directory)).toEqual([]);
  });

  test('for want of room says so', async () => {
    const directory = dataDir();
    const cause = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write' });
    const download = () => Promise.reject(cause);
    await expect(storingIn(directory).storeDownload(place, 'document', download)).rejects.toMatchObject({
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
    await expect(storingIn(directory).storeDownload(place, 'document', download)).rejects.toMatchObject({
      code: 'storage_failed',
    });
    expect(isAsked).toBe(false);
  });
});
