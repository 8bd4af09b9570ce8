import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits for some work, but no longer than told. The work goes on by itself, and what comes of it then is nobody's.
 *
 * @returns what the work came to, or `late`.
 */
export async function orAfter<T, Late>(timeoutMs: number, work: Promise<T>, late: Late): Promise<T | Late> {
  const waiting = new AbortController();
  // The timer keeps the process alive. Work that waits for a lost connection does not, and Node would end half way.
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
 * The same with an error at the end. Whoever repeats the work must find it harmless that it was done.
 *
 * @param late the error to end with.
 */
export async function within<T>(timeoutMs: number, work: Promise<T>, late: () => Error): Promise<T> {
  const done = await orAfter(timeoutMs, work, isLate);
  if (done === isLate) throw late();
  return done;
}
