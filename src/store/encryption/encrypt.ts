import sodium from 'sodium-native';
import type { Sink } from '../object-store.ts';
import { type DocumentHeader, encodeHeader, longestHeaderBytes } from './header.ts';

/** Plaintext bytes in each chunk but the last. */
export const chunkBytes = 64 * 1_024;
/** As many are handed out together: most documents are written by one call. */
const chunksAtOnce = 2;

const {
  crypto_secretstream_xchacha20poly1305_STATEBYTES: stateBytes,
  crypto_secretstream_xchacha20poly1305_HEADERBYTES: streamHeaderBytes,
  crypto_secretstream_xchacha20poly1305_ABYTES: extraBytes,
  crypto_secretstream_xchacha20poly1305_TAG_MESSAGE: more,
  crypto_secretstream_xchacha20poly1305_TAG_FINAL: final,
} = sodium;

/** Of an encrypted chunk, one byte, the tag, stands before what was the plaintext; the rest of the extra ones after it. */
const tagBytes = 1;

type Buffers = { readonly state: Buffer; readonly streamHeader: Buffer; readonly out: Buffer };

// Not by Buffer.alloc: V8 would keep those as small as these on its heap, and move them out when libsodium asks for them.
const newBuffers = (): Buffers => {
  const small = new ArrayBuffer(stateBytes + streamHeaderBytes);
  return {
    state: Buffer.from(small, 0, stateBytes),
    streamHeader: Buffer.from(small, stateBytes, streamHeaderBytes),
    out: Buffer.allocUnsafeSlow(longestHeaderBytes + streamHeaderBytes + chunksAtOnce * (chunkBytes + extraBytes)),
  };
};

/** Those of documents that are done. Whoever makes new ones for each lets V8 collect garbage much more often. */
const spare: Buffers[] = [];
/** 4 MiB. */
const mostSpare = 32;

/**
 * Encrypts what is written to it, as docs/encryption.md describes: `write` any number of pieces of any size, then `end`
 * once. Every chunk is bound to the header, so that a document cannot be passed off as another one.
 *
 * @param sink gets the encrypted bytes, in a buffer that is used again once it is done with them.
 * @param key the 32 bytes of the transaction's key.
 */
export function encrypting(sink: Sink, header: DocumentHeader, key: Buffer): { write: Sink; end: () => Promise<void> } {
  const about = encodeHeader(header);
  let buffers: Buffers | undefined;
  let outFilled = 0;
  let chunkFilled = 0;

  // Taken with the first piece: a document that waits for its download needs none.
  const begun = (): Buffers => {
    if (buffers) return buffers;
    buffers = spare.pop() ?? newBuffers();
    const { state, streamHeader, out } = buffers;
    sodium.crypto_secretstream_xchacha20poly1305_init_push(state, streamHeader, key);
    outFilled = about.copy(out) + streamHeader.copy(out, about.length);
    return buffers;
  };
  // The plaintext lies where its ciphertext will, and is encrypted there.
  const push = async ({ state, out }: Buffers, tag: number): Promise<void> => {
    const begin = outFilled + tagBytes;
    const plain = out.subarray(begin, begin + chunkFilled);
    const end = outFilled + chunkFilled + extraBytes;
    sodium.crypto_secretstream_xchacha20poly1305_push(state, out.subarray(outFilled, end), plain, about, tag);
    outFilled = end;
    chunkFilled = 0;
    if (tag === more && end + chunkBytes + extraBytes <= out.length) return;
    outFilled = 0;
    await sink(out.subarray(0, end));
  };

  return {
    write: async (piece) => {
      const taken = begun();
      let rest = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
      while (rest.length > 0) {
        // The last chunk is told by its tag, so a full one waits until it is known not to be the last.
        if (chunkFilled === chunkBytes) await push(taken, more);
        const at = outFilled + tagBytes + chunkFilled;
        const copied = rest.copy(taken.out, at, 0, chunkBytes - chunkFilled);
        chunkFilled += copied;
        rest = rest.subarray(copied);
      }
    },
    end: async () => {
      const taken = begun();
      await push(taken, final);
      // Only once it is done: of what was broken off, something may still be written. All plaintext is encrypted by now.
      if (spare.length < mostSpare) spare.push(taken);
    },
  };
}
