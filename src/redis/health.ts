import { within } from '../within.ts';
import { checkEviction } from './check.ts';
import { tryWork } from './commands.ts';
import { isReady, type RedisClient } from './connect.ts';
import { asQueueError, refusalOf } from './refusal.ts';
import type { LedgerError } from '../errors.ts';

/** Whether Redis accepts work now. */
export type RedisHealth = {
  /**
   * Whether everything that work needs succeeds. Cheap enough for probes and scrapes: Redis is asked at most once a
   * second, and gets a second to answer.
   */
  readonly isUsable: () => Promise<boolean>;
  /** Why the last try failed; `undefined` = it succeeded. */
  readonly trouble: () => LedgerError | undefined;
  /** @throws LedgerError `queue_misconfigured` if Redis may drop jobs by now, `queue_unavailable` */
  readonly checkEviction: () => Promise<void>;
};

const askedAgainMs = 1_000;
const answersWithinMs = 1_000;

/** @param redis a producer's connection, which fails fast. */
export function createRedisHealth(redis: RedisClient, prefix: string): RedisHealth {
  let trouble: LedgerError | undefined;
  let asked: { readonly atMs: number; readonly answer: Promise<boolean> } | undefined;
  let lastRefusal: Error | undefined;
  redis.on('error', (error: Error) => (lastRefusal = refusalOf(error) ? error : undefined));
  const tryOnce = async (): Promise<boolean> => {
    try {
      if (!(await isReady(redis, answersWithinMs))) throw lastRefusal ?? new Error('not connected');
      await within(answersWithinMs, tryWork(redis, prefix), () => new Error('no answer in time'));
      trouble = undefined;
      return true;
    } catch (error) {
      trouble = asQueueError(error);
      return false;
    }
  };
  return {
    isUsable: () => {
      if (!asked || performance.now() - asked.atMs > askedAgainMs)
        asked = { atMs: performance.now(), answer: tryOnce() };
      return asked.answer;
    },
    trouble: () => trouble,
    checkEviction: () => checkEviction(redis),
  };
}
