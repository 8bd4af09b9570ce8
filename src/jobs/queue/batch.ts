import { setTimeout as delay } from 'node:timers/promises';

/** How calls are gathered into batches. */
export type BatchOptions<I> = {
  /** Inputs with the same key never share a batch. A batch is sorted by key. */
  readonly keyOf: (input: I) => string;
  /**
   * Whether an error would have failed every input alike. Otherwise each input is retried alone, so that a bad one
   * cannot fail the others.
   */
  readonly isShared: (error: unknown) => boolean;
  readonly maxSize?: number;
  /** The least time between the starts of two batches, in milliseconds. */
  readonly spacingMs?: number;
};

type Waiting<I, O> = { readonly input: I; readonly key: string; readonly answer: PromiseWithResolvers<O> };

/**
 * How many inputs are retried alone at the same time. More than one, so that an input that waits for a lock, or for an
 * answer that never comes, does not hold up all others.
 */
const aloneAtOnce = 10;

/**
 * Combines many calls into one. A call made while a batch is running, or too soon after one started, joins the next
 * batch. Any other call starts at once, so batches grow with the load.
 *
 * @param run answers a batch, in the order of its inputs.
 */
export function inBatches<I, O>(
  run: (inputs: readonly I[]) => Promise<readonly O[]>,
  { keyOf, isShared, maxSize = 100, spacingMs = 0 }: BatchOptions<I>,
): (input: I) => Promise<O> {
  let waiting: Waiting<I, O>[] = [];
  let isRunning = false;
  let nextAtMs = 0;

  const next = (): Waiting<I, O>[] => {
    const batch = new Map<string, Waiting<I, O>>();
    const later: Waiting<I, O>[] = [];
    for (const one of waiting) {
      if (batch.size < maxSize && !batch.has(one.key)) batch.set(one.key, one);
      else later.push(one);
    }
    waiting = later;
    return [...batch].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
  };

  /** @returns the failure, if any. */
  const tryAll = async (batch: readonly Waiting<I, O>[]): Promise<{ error: unknown } | undefined> => {
    try {
      const answers = await run(batch.map(({ input }) => input));
      batch.forEach((one, index) => one.answer.resolve(answers[index] as O));
      return undefined;
    } catch (error) {
      return { error };
    }
  };
  const rejectAll = (batch: readonly Waiting<I, O>[], error: unknown): void => {
    for (const one of batch) one.answer.reject(error);
  };
  const tryAlone = async (one: Waiting<I, O>): Promise<{ error: unknown } | undefined> => {
    const failure = await tryAll([one]);
    if (failure) rejectAll([one], failure.error);
    return failure;
  };

  const answer = async (batch: readonly Waiting<I, O>[]): Promise<void> => {
    let failure = await tryAll(batch);
    let left = batch;
    while (failure && left.length > 0) {
      if (batch.length === 1 || isShared(failure.error)) {
        rejectAll(left, failure.error);
        return;
      }
      const failures = await Promise.all(left.slice(0, aloneAtOnce).map(tryAlone));
      failure = failures.find((one) => one && isShared(one.error)) ?? failure;
      left = left.slice(aloneAtOnce);
    }
  };

  const runAll = async (): Promise<void> => {
    isRunning = true;
    while (waiting.length > 0) {
      const earlyMs = nextAtMs - performance.now();
      if (earlyMs > 0) await delay(earlyMs);
      nextAtMs = performance.now() + spacingMs;
      await answer(next());
    }
    isRunning = false;
  };

  return (input) => {
    const one = { input, key: keyOf(input), answer: Promise.withResolvers<O>() };
    waiting.push(one);
    if (!isRunning) void runAll();
    return one.answer.promise;
  };
}
