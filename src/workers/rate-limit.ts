import { randomUUID } from 'node:crypto';
import type { LedgerError } from '../errors.ts';
import { setTimeout as delay } from 'node:timers/promises';
import type { RedisClient } from '../redis/connect.ts';
import { asQueueError } from '../redis/refusal.ts';
import { within } from '../within.ts';

/**
 * Takes a slot, if one is free and the last request was sent long enough ago. There are as many slots as requests are
 * allowed per second. @returns 0, or how many milliseconds to wait before asking again.
 */
const take = `
local time = redis.call('TIME')
local nowUs = time[1] * 1000000 + time[2]
local nextUs = tonumber(redis.call('GET', KEYS[2]) or 0)
if nextUs > nowUs then return math.ceil((nextUs - nowUs) / 1000) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', nowUs)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then
  local freeUs = tonumber(redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2])
  return math.min(20, math.ceil((freeUs - nowUs) / 1000))
end
redis.call('ZADD', KEYS[1], string.format('%.0f', nowUs + ARGV[3]), ARGV[4])
redis.call('PEXPIRE', KEYS[1], 60000)
local spacingUs = tonumber(ARGV[2])
redis.call('SET', KEYS[2], string.format('%.0f', math.max(nextUs, nowUs - 4 * spacingUs) + spacingUs), 'PX', 60000)
return 0
`;

/** The request in a slot was answered. The slot is free again in a second. */
const leave = `
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], 'XX', string.format('%.0f', time[1] * 1000000 + time[2] + 1000000), ARGV[1])
`;

/** A slot whose request is never answered, or whose process died, is free again after this long. */
const unansweredUs = 5_000_000;

const answersWithinMs = 5_000;
const askedAgainMs = 1_000;

export type RateLimiter = {
  /** Resolves when the next request may be sent. Rejects with `queue_unavailable`: without Redis, none may be. */
  readonly beforeRequest: () => Promise<void>;
  /** Called once for each request that was let through, when its response begins or it has failed. */
  readonly afterAnswer: () => void;
};

/**
 * A limiter shared by all worker processes on one Redis. A slot is taken before a request leaves, and freed a second
 * after its response. Two requests in one slot therefore arrive at least a second apart, however long a busy machine or
 * the network delays either. So no sliding second sees more requests than there are slots.
 *
 * @param requestsPerSecond never exceeded, over all processes together.
 */
export function createRateLimiter(redis: RedisClient, prefix: string, requestsPerSecond: number): RateLimiter {
  const places = `${prefix}:vendor-places`;
  const next = `${prefix}:vendor-next`;
  const spacingUs = Math.floor(1_000_000 / requestsPerSecond);
  const taken: string[] = [];
  let failed: { readonly error: LedgerError; readonly atMs: number } | undefined;
  const ask = async (place: string): Promise<number> => {
    // After a failure, requests that were waiting in line do not ask Redis again at once.
    if (failed && performance.now() - failed.atMs < askedAgainMs) throw failed.error;
    try {
      const asked = redis.eval(take, 2, places, next, requestsPerSecond, spacingUs, unansweredUs, place);
      const waitMs = Number(await within(answersWithinMs, asked, () => new Error('no answer in time')));
      failed = undefined;
      return waitMs;
    } catch (error) {
      failed = { error: asQueueError(error), atMs: performance.now() };
      throw failed.error;
    }
  };
  const takePlace = async (): Promise<void> => {
    const place = randomUUID();
    for (;;) {
      const waitMs = await ask(place);
      if (waitMs <= 0) break;
      await delay(waitMs);
    }
    taken.push(place);
  };
  // One request at a time asks Redis; the others of this process wait for their turn.
  let last = Promise.resolve();
  return {
    beforeRequest: () => {
      const turn = last.then(takePlace);
      last = turn.catch(() => undefined);
      return turn;
    },
    // It does not matter which taken slot is freed: all are equal.
    afterAnswer: () => {
      const place = taken.shift();
      if (place !== undefined) redis.eval(leave, 1, places, place).catch(() => undefined);
    },
  };
}
