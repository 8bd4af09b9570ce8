import { randomUUID } from 'node:crypto';
import sodium from 'sodium-native';

/** A key that documents of one transaction are encrypted with. Only its sealed copies are kept. */
export type DocumentKey = { readonly id: string; readonly key: Buffer };

/** A document key that only a holder of the master's secret key can open. */
export type SealedKey = { readonly master: Buffer; readonly sealed: Buffer };

export type MasterPair = { readonly publicKey: Buffer; readonly secretKey: Buffer };

export function createDocumentKey(): DocumentKey {
  const key = Buffer.alloc(sodium.crypto_secretstream_xchacha20poly1305_KEYBYTES);
  sodium.crypto_secretstream_xchacha20poly1305_keygen(key);
  return { id: randomUUID(), key };
}

export function sealTo(master: Buffer, key: Buffer): SealedKey {
  const sealed = Buffer.alloc(key.length + sodium.crypto_box_SEALBYTES);
  sodium.crypto_box_seal(sealed, key, master);
  return { master, sealed };
}

/** The key in a sealed box; `undefined` = it was not sealed to this pair. */
export function unseal(sealed: Buffer, { publicKey, secretKey }: MasterPair): Buffer | undefined {
  const key = Buffer.alloc(sodium.crypto_secretstream_xchacha20poly1305_KEYBYTES);
  if (sealed.length !== key.length + sodium.crypto_box_SEALBYTES) return undefined;
  return sodium.crypto_box_seal_open(key, sealed, publicKey, secretKey) ? key : undefined;
}

/** Whether anything can be sealed to it. Some 32 bytes are no public key: a row of zeros, for example. */
export function isPublicKey(master: Buffer): boolean {
  try {
    sealTo(master, createDocumentKey().key);
    return true;
  } catch {
    return false;
  }
}

export function createMasterPair(): MasterPair {
  const publicKey = Buffer.alloc(sodium.crypto_box_PUBLICKEYBYTES);
  const secretKey = Buffer.alloc(sodium.crypto_box_SECRETKEYBYTES);
  sodium.crypto_box_keypair(publicKey, secretKey);
  return { publicKey, secretKey };
}

/** The pair that a secret key belongs to. */
export function pairOf(secretKey: Buffer): MasterPair {
  const publicKey = Buffer.alloc(sodium.crypto_box_PUBLICKEYBYTES);
  sodium.crypto_scalarmult_base(publicKey, secretKey);
  return { publicKey, secretKey };
}

/** Masters are written as base64, 44 characters. */
export const masterText = (key: Buffer): string => key.toString('base64');

/** The 32 bytes of a key in base64; `undefined` = it is none. */
export function parseKey(text: string): Buffer | undefined {
  const key = Buffer.from(text.trim(), 'base64');
  return key.length === 32 && key.toString('base64') === text.trim() ? key : undefined;
}
