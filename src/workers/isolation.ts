import { orAfter } from '../within.ts';

/** Runs jobs of a process concurrently (`shared`), or one of them alone (`exclusive`). */
export type Isolation = {
  readonly shared: <T>(work: () => Promise<T>) => Promise<T>;
  readonly exclusive: <T>(work: () => Promise<T>) => Promise<T>;
};

/**
 * When a worker dies, any job that was running may be the cause. Jobs that were running too often are run one at a
 * time, so that the next death singles out the cause.
 *
 * @param limitMs how long a job runs alone, and how long it waits for the others to end before that. A slow vendor must
 * not stall the process.
 */
export function createIsolation(limitMs = 2_000): Isolation {
  let running = 0;
  let isClosed: Promise<undefined> | undefined;
  let turns: Promise<unknown> = Promise.resolve();
  const waiting: (() => void)[] = [];

  const shared = async <T>(work: () => Promise<T>): Promise<T> => {
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

  const exclusive = async <T>(work: () => Promise<T>): Promise<T> => {
    const turn = turns.then(async () => {
      const gate = Promise.withResolvers<undefined>();
      isClosed = gate.promise;
      await orAfter(limitMs, othersEnded(), undefined);
      const working = work();
      await orAfter(
        limitMs,
        working.catch(() => undefined),
        undefined,
      );
      isClosed = undefined;
      gate.resolve(undefined);
      // Wrapped in an object, because a promise would make the next in line wait for the work itself.
      return { working };
    });
    turns = turn;
    return (await turn).working;
  };
  return { shared, exclusive };
}
