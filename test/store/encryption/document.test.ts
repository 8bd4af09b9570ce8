import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decrypted } from '../../../src/store/encryption/decrypt.ts';
import { encrypting } from '../../../src/store/encryption/encrypt.ts';
import type { DocumentHeader } from '../../../src/store/encryption/header.ts';
import { createDocumentKey } from '../../../src/store/encryption/keys.ts';
import { readByHand } from '../../support/documents-by-hand.ts';

const chunk = 65_536;
const { id: keyId, key } = createDocumentKey();
const header: DocumentHeader = { transactionId: 't-1', kind: 'document', origin: 'result', position: 0, keyId };

/** Content that repeats nowhere, so that chunks that change places are seen. */
function contentOf(bytes: number, seed = 1): Buffer {
  const content = Buffer.alloc(bytes);
  for (let at = 0, state = seed; at < bytes; at += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    if (at + 4 <= bytes) content.writeUInt32LE(state, at);
    else content.fill(state & 0xff, at);
  }
  return content;
}

async function encrypted(content: Buffer, about = header, withKey = key, pieces?: readonly number[]): Promise<Buffer> {
  const written: Uint8Array[] = [];
  const { write, end } = encrypting(
    async (bytes) => {
      written.push(Buffer.from(bytes));
      await Promise.resolve();
    },
    about,
    withKey,
  );
  let at = 0;
  for (const bytes of pieces ?? []) {
    await write(content.subarray(at, at + bytes));
    at += bytes;
  }
  if (at < content.length) await write(content.subarray(at));
  await end();
  return Buffer.concat(written);
}

const headerBytes = (bytes: Buffer): number => 18 + 4 + bytes.readUInt32BE(18);
const streamBegin = (bytes: Buffer): number => headerBytes(bytes) + 24;
/** The encrypted chunks behind both headers. */
function chunksOf(bytes: Buffer): Buffer[] {
  const chunks = [];
  for (let at = streamBegin(bytes); at < bytes.length; at += chunk + 17)
    chunks.push(bytes.subarray(at, at + chunk + 17));
  return chunks;
}

const damaged = (bytes: Buffer, expected = header, withKey = key) =>
  expect(decrypted(bytes, expected, withKey)).rejects.toMatchObject({ code: 'document_damaged' });

describe('a document', () => {
  test('of any content comes back, whatever pieces it was written in, also to who reads it by hand', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 300_000 }),
        fc.integer({ min: 1, max: 1 << 30 }),
        fc.array(fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 150_000 })), { maxLength: 12 }),
        async (bytes, seed, pieces) => {
          const content = contentOf(bytes, seed);
          const object = await encrypted(content, header, key, pieces);
          expect((await decrypted(object, header, key)).equals(content)).toBe(true);
          expect(readByHand(object, key).content.equals(content)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each([1, 2, chunk - 1, chunk, chunk + 1, 2 * chunk - 1, 2 * chunk, 2 * chunk + 1, 3 * chunk])(
    'of %d bytes has one chunk for each 64 KiB that it began, each 17 bytes longer',
    async (bytes) => {
      const content = contentOf(bytes);
      const object = await encrypted(content);
      const chunks = chunksOf(object);
      expect(chunks).toHaveLength(Math.ceil(bytes / chunk));
      expect(object.length - streamBegin(object)).toBe(bytes + 17 * chunks.length);
      for (const pieces of [[bytes], [1], [chunk], [chunk - 1, 2], Array.from({ length: 300 }, () => 999)]) {
        const same = await encrypted(content, header, key, pieces);
        expect(same.length).toBe(object.length);
        expect((await decrypted(same, header, key)).equals(content)).toBe(true);
      }
    },
  );

  test('says whose it is, and nothing of what is in it', async () => {
    const content = Buffer.from('JFIF, and the name of a person');
    const object = await encrypted(content);
    expect(object.subarray(0, 18).toString()).toBe('idscan-document-1\n');
    expect(JSON.parse(object.subarray(22, headerBytes(object)).toString())).toEqual({
      transaction: 't-1',
      kind: 'document',
      origin: 'result',
      position: 0,
      key: keyId,
    });
    expect(object.includes(content.subarray(0, 8))).toBe(false);
    expect((await encrypted(content)).equals(object)).toBe(false);
  });
});

describe('a document is refused', () => {
  test('with any byte changed: in its headers, a chunk or a tag', async () => {
    const object = await encrypted(contentOf(300));
    for (let at = 0; at < object.length; at += 1) {
      const other = Buffer.from(object);
      other[at]! ^= 1 << (at % 8);
      await damaged(other);
    }
  });

  test('with any byte of a later chunk changed', async () => {
    const object = await encrypted(contentOf(3 * chunk));
    const borders = [0, 1, 2, 3].map((place) => streamBegin(object) + place * (chunk + 17));
    const places = borders.flatMap((border) => [-17, -16, -1, 0, 1, 16].map((by) => border + by));
    for (const at of places.filter((place) => place < object.length)) {
      const other = Buffer.from(object);
      other[at]! ^= 0x80;
      await damaged(other);
    }
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: object.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const other = Buffer.from(object);
        other[at]! ^= mask;
        await damaged(other);
      }),
      { numRuns: 60 },
    );
  });

  test('cut anywhere: in its headers, at the border of a chunk and inside of one', async () => {
    const object = await encrypted(contentOf(2 * chunk + 500));
    const begin = streamBegin(object);
    const borders = [begin, begin + chunk + 17, begin + 2 * (chunk + 17)];
    const near = borders.flatMap((border) => [-1, 0, 1, 16, 17, 18].map((by) => border + by));
    const all = [...Array.from({ length: begin }, (_, at) => at), ...near, object.length - 17, object.length - 1];
    for (const at of all) await damaged(object.subarray(0, at));
  });

  test('with more behind its end', async () => {
    const object = await encrypted(contentOf(chunk));
    const [only] = chunksOf(object);
    for (const more of [Buffer.alloc(1), Buffer.alloc(17), Buffer.alloc(chunk + 17), only!])
      await damaged(Buffer.concat([object, more]));
  });

  test('with chunks exchanged, repeated, left out, or taken from another document of the same key', async () => {
    const object = await encrypted(contentOf(3 * chunk));
    const begin = object.subarray(0, streamBegin(object));
    const [first, second, third] = chunksOf(object) as [Buffer, Buffer, Buffer];
    const [theirs, , last] = chunksOf(await encrypted(contentOf(3 * chunk))) as [Buffer, Buffer, Buffer];
    expect((await decrypted(Buffer.concat([begin, first, second, third]), header, key)).length).toBe(3 * chunk);
    for (const chunks of [
      [second, first, third],
      [third, second, first],
      [first, first, second, third],
      [first, second, second, third],
      [first, third],
      [second, third],
      [theirs, second, third],
      [first, second, last],
    ])
      await damaged(Buffer.concat([begin, ...chunks]));
  });

  test('in the place of another: of another transaction, kind, origin or position, or with another key', async () => {
    const object = await encrypted(contentOf(1_000));
    const other = createDocumentKey();
    const others: DocumentHeader[] = [
      { ...header, transactionId: 't-2' },
      { ...header, kind: 'audit_report' },
      { ...header, origin: 'scan_1' },
      { ...header, position: 1 },
      { ...header, keyId: other.id },
    ];
    for (const expected of others) {
      await damaged(object, expected);
      // Nor does it help to write the other one's header over it.
      const theirs = await encrypted(contentOf(1_000), expected);
      await damaged(
        Buffer.concat([theirs.subarray(0, headerBytes(theirs)), object.subarray(headerBytes(object))]),
        expected,
      );
    }
    await damaged(object, header, other.key);
  });

  test('that is empty, in the clear, or of a later format', async () => {
    await damaged(Buffer.alloc(0));
    await damaged(Buffer.from('%PDF-1.7\n'));
    await damaged(contentOf(10_000));
    const later = Buffer.from(await encrypted(contentOf(10)));
    later.write('idscan-document-2\n');
    await damaged(later);
    const long = Buffer.from(await encrypted(contentOf(10)));
    long.writeUInt32BE(0xffff_ffff, 18);
    await damaged(long);
  });

  test('without a word of its content', async () => {
    const object = await encrypted(Buffer.from('a name'));
    object[object.length - 1]! ^= 1;
    const error = (await decrypted(object, header, key).catch((reason: unknown) => reason)) as Error;
    expect(JSON.stringify([error, error.message])).not.toContain('a name');
  });
});
