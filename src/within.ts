import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits no longer than told. The work goes on by itself: whoever repeats it must find it harmless that it was done.
 *
 * @param late the error to end with.
 */
export async function within<T>(timeoutMs: number, work: Promise<T>, late: () => Error): Promise<T> {
  const waiting = new AbortController();
  const tooLate = delay(timeoutMs, undefined, { ref: false, signal: waiting.signal }).then(() => {
    throw late();
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    waiting.abort();
    work.catch(() => undefined);
  }
}
