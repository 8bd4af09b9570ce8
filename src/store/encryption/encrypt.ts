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

type Buffers = { readonly chunk: Buffer; readonly out: Buffer };

const newBuffers = (): Buffers => ({
  chunk: Buffer.allocUnsafe(chunkBytes),
  out: Buffer.allocUnsafe(longestHeaderBytes + streamHeaderBytes + chunksAtOnce * (chunkBytes + extraBytes)),
});

/** Those of documents that are done. Whoever makes new ones for each lets V8 collect garbage much more often. */
const spare: Buffers[] = [];
/** 6 MiB. */
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
  const state = Buffer.alloc(stateBytes);
  const streamHeader = Buffer.alloc(streamHeaderBytes);
  sodium.crypto_secretstream_xchacha20poly1305_init_push(state, streamHeader, key);
  const buffers = spare.pop() ?? newBuffers();
  const { chunk, out } = buffers;
  let chunkFilled = 0;
  let outFilled = about.copy(out) + streamHeader.copy(out, about.length);

  const flush = async (): Promise<void> => {
    const filled = out.subarray(0, outFilled);
    outFilled = 0;
    await sink(filled);
  };
  const push = async (plain: Buffer, tag: number): Promise<void> => {
    const end = outFilled + plain.length + extraBytes;
    sodium.crypto_secretstream_xchacha20poly1305_push(state, out.subarray(outFilled, end), plain, about, tag);
    outFilled = end;
    if (tag === final || end + chunkBytes + extraBytes > out.length) await flush();
  };

  return {
    write: async (piece) => {
      let rest = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
      while (rest.length > 0) {
        // The last chunk is told by its tag, so a full one waits until it is known not to be the last.
        if (chunkFilled === chunkBytes) {
          await push(chunk, more);
          chunkFilled = 0;
        }
        const copied = rest.copy(chunk, chunkFilled);
        chunkFilled += copied;
        rest = rest.subarray(copied);
      }
    },
    end: async () => {
      await push(chunk.subarray(0, chunkFilled), final);
      // Only once it is done: of what was broken off, something may still be written.
      if (spare.length === mostSpare) return;
      // Nothing of the document waits for the next one.
      chunk.fill(0);
      spare.push(buffers);
    },
  };
}
