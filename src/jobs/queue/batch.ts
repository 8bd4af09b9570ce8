import { setTimeout as delay } from 'node:timers/promises';

/** How calls are gathered into batches. */
export type BatchOptions<I> = {
  /** Inputs with the same key never share a batch, and those of a batch come in the order of their keys. */
  readonly keyOf: (input: I) => string;
  /** Whether an error would have met each input alike; otherwise each is tried by itself, so that one spoils no other. */
  readonly isShared: (error: unknown) => boolean;
  readonly maxSize?: number;
  /** How long after the beginning of a batch the next one begins at the earliest, in milliseconds. */
  readonly spacingMs?: number;
};

type Waiting<I, O> = { readonly input: I; readonly key: string; readonly answer: PromiseWithResolvers<O> };

/** So many are tried by themselves at once: whoever waits for a lock, or for an answer that never comes, has company. */
const bySelfAtOnce = 10;

/**
 * Makes one call of many: what is asked for while a batch is under way, or too soon after its beginning, goes into the
 * next one. Any other call waits for nothing, so batches grow with the load.
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

  /** @returns what went wrong, if it did. */
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
  const tryBySelf = async (one: Waiting<I, O>): Promise<{ error: unknown } | undefined> => {
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
      const failures = await Promise.all(left.slice(0, bySelfAtOnce).map(tryBySelf));
      failure = failures.find((one) => one && isShared(one.error)) ?? failure;
      left = left.slice(bySelfAtOnce);
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
