import { createHash } from 'node:crypto';
import { setImmediate as othersRun } from 'node:timers/promises';
import { LedgerError } from '../../errors.ts';
import type { Sink } from '../object-store.ts';

/**
 * A whole object in memory, with what is sent along to prove it. It stays in pieces: to put 25 MB together takes a
 * tenth of a second, in which nothing else would run.
 */
export type Body = {
  readonly pieces: readonly Buffer[];
  readonly bytes: number;
  readonly sha256: string;
  readonly md5: Buffer;
};

/** Hashed in less time than anybody else has to wait for. */
const pieceBytes = 256 * 1_024;
/** More than the largest file of the vendor and what encryption adds. One request takes it. */
const mostBytes = 32 * 1_024 ** 2;

/**
 * Collects what `fill` writes. Hashes are made on the way, so that nothing else waits for those of a large file.
 *
 * @throws LedgerError `storage_failed` if it is too large for one request; and what `fill` throws
 */
export async function collect(fill: (sink: Sink) => Promise<void>): Promise<Body> {
  const sha256 = createHash('sha256');
  const md5 = createHash('md5');
  const pieces: Buffer[] = [];
  let bytes = 0;
  let inOneGo = 0;
  await fill(async (chunk) => {
    bytes += chunk.length;
    if (bytes > mostBytes) throw tooLarge();
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      // A copy: the chunk is the caller's again afterwards.
      const piece = Buffer.from(chunk.subarray(at, at + pieceBytes));
      sha256.update(piece);
      md5.update(piece);
      pieces.push(piece);
      inOneGo += piece.length;
      if (inOneGo < pieceBytes) continue;
      inOneGo = 0;
      await othersRun();
    }
  });
  return { pieces, bytes, sha256: sha256.digest('hex'), md5: md5.digest() };
}

const tooLarge = (): LedgerError =>
  new LedgerError('storage_failed', `A file of more than ${mostBytes} bytes is not stored.`, {
    hint: 'Files of the vendor are smaller: report it.',
  });
