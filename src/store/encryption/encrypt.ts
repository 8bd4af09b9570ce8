import sodium from 'sodium-native';
import type { Sink } from '../object-store.ts';
import { type DocumentHeader, encodeHeader } from './header.ts';

/** Plaintext bytes in each chunk but the last. */
export const chunkBytes = 64 * 1_024;

const {
  crypto_secretstream_xchacha20poly1305_STATEBYTES: stateBytes,
  crypto_secretstream_xchacha20poly1305_HEADERBYTES: streamHeaderBytes,
  crypto_secretstream_xchacha20poly1305_ABYTES: extraBytes,
  crypto_secretstream_xchacha20poly1305_TAG_MESSAGE: more,
  crypto_secretstream_xchacha20poly1305_TAG_FINAL: final,
} = sodium;

/**
 * Encrypts what is written to it, as docs/encryption.md describes: `write` any number of pieces of any size, then `end`
 * once. Every chunk is bound to the header, so that a document cannot be passed off as another one.
 *
 * @param sink gets the encrypted bytes.
 * @param key the 32 bytes of the transaction's key.
 */
export function encrypting(sink: Sink, header: DocumentHeader, key: Buffer): { write: Sink; end: () => Promise<void> } {
  const about = encodeHeader(header);
  const state = Buffer.alloc(stateBytes);
  const streamHeader = Buffer.alloc(streamHeaderBytes);
  sodium.crypto_secretstream_xchacha20poly1305_init_push(state, streamHeader, key);
  let begin: Buffer | undefined = Buffer.concat([about, streamHeader]);
  let held: Uint8Array[] = [];
  let heldBytes = 0;

  const push = async (chunk: Buffer, tag: number): Promise<void> => {
    const encrypted = Buffer.allocUnsafe(chunk.length + extraBytes);
    sodium.crypto_secretstream_xchacha20poly1305_push(state, encrypted, chunk, about, tag);
    const first = begin;
    begin = undefined;
    await sink(first ? Buffer.concat([first, encrypted]) : encrypted);
  };

  return {
    write: async (piece) => {
      held.push(piece);
      heldBytes += piece.length;
      // The last chunk is told by its tag, so a full one waits until it is known not to be the last.
      if (heldBytes <= chunkBytes) return;
      let rest = held.length === 1 ? Buffer.from(piece.buffer, piece.byteOffset, piece.length) : Buffer.concat(held);
      for (; rest.length > chunkBytes; rest = rest.subarray(chunkBytes)) await push(rest.subarray(0, chunkBytes), more);
      held = [Buffer.from(rest)];
      heldBytes = rest.length;
    },
    end: () => push(Buffer.concat(held), final),
  };
}
