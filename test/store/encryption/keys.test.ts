import { describe, expect, test } from 'vitest';
import {
  createDocumentKey,
  createMasterPair,
  masterText,
  pairOf,
  parseKey,
  sealTo,
  unseal,
} from '../../../src/store/encryption/keys.ts';

describe('a document key', () => {
  test('is another one each time', () => {
    const [one, other] = [createDocumentKey(), createDocumentKey()];
    expect(one.key).toHaveLength(32);
    expect(one.key.equals(other.key)).toBe(false);
    expect(one.id).not.toBe(other.id);
  });

  test('is opened by the holder of the secret key alone, as it was', () => {
    const { key } = createDocumentKey();
    const pair = createMasterPair();
    const { master, sealed } = sealTo(pair.publicKey, key);
    expect(master).toEqual(pair.publicKey);
    expect(sealed).toHaveLength(80);
    expect(sealed.includes(key.subarray(0, 8))).toBe(false);
    expect(unseal(sealed, pair)).toEqual(key);
    expect(unseal(sealed, createMasterPair())).toBeUndefined();
    expect(unseal(sealed, { ...pair, secretKey: createMasterPair().secretKey })).toBeUndefined();
  });

  test('is not opened where a byte of its seal was changed, or one is missing', () => {
    const pair = createMasterPair();
    const { sealed } = sealTo(pair.publicKey, createDocumentKey().key);
    for (let at = 0; at < sealed.length; at += 1) {
      const other = Buffer.from(sealed);
      other[at]! ^= 1;
      expect(unseal(other, pair), String(at)).toBeUndefined();
    }
    for (const other of [Buffer.alloc(0), sealed.subarray(1), Buffer.concat([sealed, Buffer.alloc(1)])])
      expect(unseal(other, pair)).toBeUndefined();
  });
});

describe('a master', () => {
  test('is known by its secret key, and written in 44 characters', () => {
    const pair = createMasterPair();
    expect(pairOf(pair.secretKey)).toEqual(pair);
    expect(masterText(pair.publicKey)).toMatch(/^[A-Za-z0-9+/]{43}=$/);
    expect(parseKey(`${masterText(pair.publicKey)}\n`)).toEqual(pair.publicKey);
  });

  test.each(['', 'key', 'A'.repeat(44), 'A'.repeat(43), Buffer.alloc(31).toString('base64'), 'f'.repeat(64)])(
    'is not what stands in “%s”',
    (text) => {
      expect(parseKey(text)).toBeUndefined();
    },
  );
});
