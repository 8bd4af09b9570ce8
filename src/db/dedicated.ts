import type pg from 'pg';
import { orAfter } from '../within.ts';
import { connectionsBusy } from './errors.ts';

/** A connection outside the pool. */
export type DedicatedConnection = {
  readonly client: pg.Client;
  /** Ends the connection. Does not wait long for a server that does not confirm it. */
  readonly end: () => Promise<void>;
};

const endTimeoutMs = 5_000;

/**
 * The same connections, each ended after `limitMs` if it still is open: what is read on it fails then, as if Postgres had
 * gone away. A server that is frozen closes nothing, and its system answers for it.
 */
export const endingAfter =
  (limitMs: number, connect: () => Promise<DedicatedConnection>): (() => Promise<DedicatedConnection>) =>
  async () => {
    const { client, end } = await connect();
    const timer = setTimeout(() => void end(), limitMs);
    return {
      client,
      end: () => {
        clearTimeout(timer);
        return end();
      },
    };
  };

/**
 * Opens connections with `open`, at most `max` at once: everybody who looks at a page would open one more while
 * somebody's lock keeps the others from ending.
 *
 * @param waitMs how long to wait for one of the others to end. @throws LedgerError `database_unavailable`
 */
export function limitDedicated(
  open: () => Promise<pg.Client>,
  max: number,
  waitMs: number,
): () => Promise<DedicatedConnection> {
  let free = max;
  const waiting: (() => void)[] = [];
  const giveBack = (): void => {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  };
  const take = async (): Promise<void> => {
    if (free > 0) {
      free -= 1;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = () => resolve(undefined);
    waiting.push(wake);
    await orAfter(waitMs, promise, undefined);
    const place = waiting.indexOf(wake);
    if (place === -1) return;
    waiting.splice(place, 1);
    throw connectionsBusy();
  };
  return async () => {
    await take();
    try {
      const client = await open();
      let ended: Promise<void> | undefined;
      const end = () =>
        (ended ??= orAfter(
          endTimeoutMs,
          client.end().catch(() => undefined),
          undefined,
        ).finally(giveBack));
      return { client, end };
    } catch (error) {
      giveBack();
      throw error;
    }
  };
}
