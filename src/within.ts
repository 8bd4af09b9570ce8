import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits for work, but no longer than the timeout. Late work continues, and its result or error is ignored.
 *
 * @returns the result of the work, or `late`.
 */
export async function orAfter<T, Late>(timeoutMs: number, work: Promise<T>, late: Late): Promise<T | Late> {
  const waiting = new AbortController();
  // The timer keeps the process alive. Work that waits for a lost connection does not, so Node would exit half way.
  const tooLate = delay(timeoutMs, late, { signal: waiting.signal });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    waiting.abort();
    work.catch(() => undefined);
    tooLate.catch(() => undefined);
  }
}

const isLate = Symbol('late');

/**
 * Waits for work, but throws after the timeout. The work may still complete, so a caller may repeat it only if that is
 * harmless.
 *
 * @param late makes the error to throw.
 */
export async function within<T>(timeoutMs: number, work: Promise<T>, late: () => Error): Promise<T> {
  const done = await orAfter(timeoutMs, work, isLate);
  if (done === isLate) throw late();
  return done;
}
