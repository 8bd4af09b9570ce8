import { setImmediate as nextTurn } from 'node:timers/promises';
import sodium from 'sodium-native';
import { documentDamaged } from '../errors.ts';
import { chunkBytes } from './encrypt.ts';
import { decodeHeader, type DocumentHeader, encodeHeader, headerIn } from './header.ts';

const {
  crypto_secretstream_xchacha20poly1305_STATEBYTES: stateBytes,
  crypto_secretstream_xchacha20poly1305_HEADERBYTES: streamHeaderBytes,
  crypto_secretstream_xchacha20poly1305_ABYTES: extraBytes,
  crypto_secretstream_xchacha20poly1305_TAG_FINAL: final,
} = sodium;

/** Chunks decrypted before other work gets its turn: some 5 ms. */
const chunksAtOnce = 8;

/**
 * Decrypts a whole document.
 *
 * @param expected whose document it must be.
 * @throws LedgerError `document_damaged` if it is another one, was changed or cut, or does not belong to the key
 */
export async function decrypted(bytes: Buffer, expected: DocumentHeader, key: Buffer): Promise<Buffer> {
  const about = headerIn(bytes);
  if (!about) throw documentDamaged(expected, 'it is not encrypted as it should be');
  if (!about.equals(encodeHeader(expected))) throw documentDamaged(expected, saidInstead(about));
  const state = Buffer.alloc(stateBytes);
  const begin = about.length + streamHeaderBytes;
  if (bytes.length < begin + extraBytes) throw documentDamaged(expected, 'it is cut');
  sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, bytes.subarray(about.length, begin), key);
  const chunks = Math.ceil((bytes.length - begin) / (chunkBytes + extraBytes));
  const lastBytes = bytes.length - begin - (chunks - 1) * (chunkBytes + extraBytes) - extraBytes;
  if (lastBytes < 0) throw documentDamaged(expected, 'it is cut');
  const whole = Buffer.allocUnsafe((chunks - 1) * chunkBytes + lastBytes);
  const tag = Buffer.alloc(1);
  for (let index = 0; index < chunks; index += 1) {
    const from = begin + index * (chunkBytes + extraBytes);
    const encrypted = bytes.subarray(from, from + chunkBytes + extraBytes);
    const chunk = whole.subarray(index * chunkBytes, index * chunkBytes + encrypted.length - extraBytes);
    try {
      sodium.crypto_secretstream_xchacha20poly1305_pull(state, chunk, tag, encrypted, about);
    } catch {
      throw documentDamaged(expected, 'it was changed, or its key is another one');
    }
    const isEnd = index === chunks - 1;
    if ((tag[0] === final) !== isEnd) throw documentDamaged(expected, isEnd ? 'it is cut' : 'more follows its end');
    if ((index + 1) % chunksAtOnce === 0) await nextTurn();
  }
  return whole;
}

function saidInstead(about: Buffer): string {
  const said = decodeHeader(about);
  return said ? 'it says that it is another document' : 'its header cannot be read';
}
