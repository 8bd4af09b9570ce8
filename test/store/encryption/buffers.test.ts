import { describe, expect, test } from 'vitest';
import { decrypted } from '../../../src/store/encryption/decrypt.ts';
import { encrypting } from '../../../src/store/encryption/encrypt.ts';
import type { DocumentHeader } from '../../../src/store/encryption/header.ts';
import { createDocumentKey } from '../../../src/store/encryption/keys.ts';

const { id: keyId, key } = createDocumentKey();
const headerOf = (position: number): DocumentHeader => ({
  transactionId: 't-1',
  kind: 'document',
  origin: 'result',
  position,
  keyId,
});

/** Begins a document. What it was written with is known once it has handed out something. */
function begun(position: number, whileHandedOut: () => Promise<void> = () => Promise.resolve()) {
  const copies: Buffer[] = [];
  const seen: { memory?: ArrayBufferLike } = {};
  const { write, end } = encrypting(
    async (bytes) => {
      seen.memory = bytes.buffer;
      await whileHandedOut();
      copies.push(Buffer.from(bytes));
    },
    headerOf(position),
    key,
  );
  return { write, end, memory: () => seen.memory, object: () => Buffer.concat(copies) };
}

async function written(position: number, content: Buffer) {
  const one = begun(position);
  await one.write(content);
  await one.end();
  return one;
}

const contentOf = (position: number, bytes: number): Buffer => Buffer.alloc(bytes, `name of person ${position}; `);

describe('buffers that documents are encrypted in', () => {
  test('mix nothing of documents that are written at once, a piece of each in turn', async () => {
    const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
    const documents = Array.from({ length: 70 }, (_, position) => ({
      content: contentOf(position, 150_000 + 1_000 * position),
      document: begun(position, nextTurn),
    }));
    // Twice, so that the second time they are buffers that were used before.
    for (const half of [documents.slice(0, 35), documents.slice(35)])
      await Promise.all(
        half.map(async ({ content, document }) => {
          for (let at = 0; at < content.length; at += 40_000) {
            await document.write(content.subarray(at, at + 40_000));
            await nextTurn();
          }
          await document.end();
        }),
      );
    for (const [position, { content, document }] of documents.entries())
      expect((await decrypted(document.object(), headerOf(position), key)).equals(content)).toBe(true);
  });

  test('keep nothing in the clear once a document is done', async () => {
    for (const [index, bytes] of [20, 100, 65_536, 65_537, 100_000, 131_072, 400_000].entries()) {
      const phrase = `of the one with ${bytes}`;
      const content = Buffer.alloc(bytes, phrase);
      const memory = Buffer.from((await written(index, content)).memory()!);
      expect(memory.includes(phrase.slice(0, 12))).toBe(false);
    }
  });

  test('are used again, and not taken by a document that waits for its first piece', async () => {
    const first = await written(0, contentOf(0, 1_000));
    const waiting = begun(1);
    const second = await written(2, contentOf(2, 1_000));
    expect(second.memory() === first.memory()).toBe(true);
    await waiting.write(contentOf(1, 10));
    await waiting.end();
    expect((await decrypted(waiting.object(), headerOf(1), key)).equals(contentOf(1, 10))).toBe(true);
  });

  test('are not used again while the last bytes are still being written', async () => {
    const first = begun(0, async () => {
      await written(1, contentOf(1, 100_000));
    });
    await first.write(contentOf(0, 1_000));
    await first.end();
    expect((await decrypted(first.object(), headerOf(0), key)).equals(contentOf(0, 1_000))).toBe(true);
  });

  test('are not used again after a document was broken off: something may still be written', async () => {
    const broken = begun(0, () => Promise.reject(new Error('the disk is full')));
    await expect(broken.write(contentOf(0, 300_000))).rejects.toThrow('the disk is full');
    const others = await Promise.all(Array.from({ length: 40 }, (_, position) => written(position, contentOf(0, 10))));
    expect(others.some(({ memory }) => memory() === broken.memory())).toBe(false);
  });

  test('are kept for at most 32 documents', async () => {
    const atOnce = async (count: number) => {
      const all = Array.from({ length: count }, (_, position) => begun(position));
      for (const one of all) await one.write(Buffer.from('x'));
      for (const one of all) await one.end();
      return new Set(all.map(({ memory }) => memory()));
    };
    const before = await atOnce(50);
    const after = await atOnce(50);
    expect(before.size).toBe(50);
    expect([...after].filter((memory) => before.has(memory)).length).toBe(32);
  });
});
