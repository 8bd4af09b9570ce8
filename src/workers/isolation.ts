import { setTimeout as delay } from 'node:timers/promises';

/** Lets jobs of a process run beside one another, or one of them by itself. */
export type Isolation = {
  readonly beside: <T>(work: () => Promise<T>) => Promise<T>;
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>;
};

/**
 * When a worker dies, any of the jobs it had at hand may be the reason. Those that were at hand too often are run one
 * by one, so that the next death tells the guilty from those who stood beside it.
 *
 * @param limitMs how long a job is kept alone, and how long the others are waited for before: a slow vendor must not
 * bring a process to a standstill.
 */
export function createIsolation(limitMs = 2_000): Isolation {
  let running = 0;
  let isClosed: Promise<undefined> | undefined;
  let turns: Promise<unknown> = Promise.resolve();
  const waiting: (() => void)[] = [];

  const beside = async <T>(work: () => Promise<T>): Promise<T> => {
    while (isClosed) await isClosed;
    running += 1;
    try {
      return await work();
    } finally {
      running -= 1;
      if (running === 0) for (const proceed of waiting.splice(0)) proceed();
    }
  };
  const othersEnded = () => (running === 0 ? Promise.resolve() : new Promise<void>((proceed) => waiting.push(proceed)));

  const alone = async <T>(work: () => Promise<T>): Promise<T> => {
    const turn = turns.then(async () => {
      const gate = Promise.withResolvers<undefined>();
      isClosed = gate.promise;
      await within(limitMs, othersEnded());
      const working = work();
      await within(limitMs, working);
      isClosed = undefined;
      gate.resolve(undefined);
      // In an object, or the next in line would wait for the work itself.
      return { working };
    });
    turns = turn;
    return (await turn).working;
  };
  return { beside, alone };
}

/** Waits for something to end, however it does, but no longer than `limitMs`. */
async function within(limitMs: number, event: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  const timeout = delay(limitMs, undefined, { signal: timer.signal }).catch(() => undefined);
  await Promise.race([event.catch(() => undefined), timeout]);
  timer.abort();
}
