import { orAfter } from '../within.ts';

/** Lets jobs of a process run beside one another, or one of them by itself. */
export type Isolation = {
  readonly shared: <T>(work: () => Promise<T>) => Promise<T>;
  readonly exclusive: <T>(work: () => Promise<T>) => Promise<T>;
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
      // In an object, or the next in line would wait for the work itself.
      return { working };
    });
    turns = turn;
    return (await turn).working;
  };
  return { shared, exclusive };
}
