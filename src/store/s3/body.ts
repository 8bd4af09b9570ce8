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

/** What the bodies of this process may take together, but for the oldest. */
const mostHeldBytes = 128 * 1_024 ** 2;

type HeldBody = { bytes: number };

/** The bodies that are collected or sent, oldest first, and who waits until one is gone. */
const held = { bytes: 0, bodies: new Set<HeldBody>(), waiting: [] as (() => void)[] };

/**
 * Collects what `fill` writes, and holds it until it is sent. However many files are stored at once, they take a bounded
 * part of the memory: what does not fit waits.
 *
 * @throws LedgerError `storage_failed` if it is too large for one request; and what `fill` and `send` throw
 */
export async function withBody<T>(fill: (sink: Sink) => Promise<void>, send: (body: Body) => Promise<T>): Promise<T> {
  const own: HeldBody = { bytes: 0 };
  held.bodies.add(own);
  try {
    return await send(await collect(fill, own));
  } finally {
    held.bodies.delete(own);
    held.bytes -= own.bytes;
    for (const goOn of held.waiting.splice(0)) goOn();
  }
}

/** The oldest goes on whatever the others hold: they never wait for one another. */
async function holdMore(own: HeldBody, bytes: number): Promise<void> {
  while (held.bytes + bytes > mostHeldBytes && held.bodies.values().next().value !== own)
    await new Promise<void>((resolve) => held.waiting.push(resolve));
  held.bytes += bytes;
  own.bytes += bytes;
}

/** Hashes are made on the way, so that nothing else waits for those of a large file. */
async function collect(fill: (sink: Sink) => Promise<void>, own: HeldBody): Promise<Body> {
  const sha256 = createHash('sha256');
  const md5 = createHash('md5');
  const pieces: Buffer[] = [];
  let bytes = 0;
  let inOneGo = 0;
  await fill(async (chunk) => {
    bytes += chunk.length;
    if (bytes > mostBytes) throw tooLarge();
    await holdMore(own, chunk.length);
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
