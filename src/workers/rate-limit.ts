import { randomUUID } from 'node:crypto';
import type { LedgerError } from '../errors.ts';
import { setTimeout as delay } from 'node:timers/promises';
import type { RedisClient } from '../redis/connect.ts';
import { asQueueError } from '../redis/refusal.ts';
import { within } from '../within.ts';

/**
 * Takes a slot, if one is free and the last request was sent long enough ago. There are as many slots as requests are
 * allowed per second. Where Redis knows of no request, it may have forgotten some: none is sent for a second. What lies
 * further ahead than can be, was written before the clock of Redis was set back: it counts from now.
 *
 * @returns 0, or how many milliseconds to wait before asking again; and what the clock of Redis showed, in µs.
 */
const take = `
local time = redis.call('TIME')
local nowUs = time[1] * 1000000 + time[2]
local spacingUs = tonumber(ARGV[2])
local leaseEndUs = string.format('%.0f', nowUs + ARGV[3])
local answer = function(waitUs) return { math.ceil(waitUs / 1000), string.format('%.0f', nowUs) } end
local nextUs = tonumber(redis.call('GET', KEYS[2]) or -1)
if nextUs < 0 then
  nextUs = nowUs + 1100000
  redis.call('SET', KEYS[2], string.format('%.0f', nextUs), 'PX', 3600000)
end
if nextUs > nowUs + 1100000 + spacingUs then nextUs = 0 end
if nextUs > nowUs then return answer(nextUs - nowUs) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', nowUs)
for _, slot in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. leaseEndUs, '+inf')) do
  redis.call('ZADD', KEYS[1], leaseEndUs, slot)
end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then
  local freeUs = tonumber(redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2])
  return answer(math.min(20000, freeUs - nowUs))
end
redis.call('ZADD', KEYS[1], leaseEndUs, ARGV[4])
redis.call('PEXPIRE', KEYS[1], 60000)
redis.call('SET', KEYS[2], string.format('%.0f', math.max(nextUs, nowUs - 4 * spacingUs) + spacingUs), 'PX', 3600000)
return answer(0)
`;

/** The request in a slot was answered: should its process die now, the slot is free again in two seconds. */
const shorten = `
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], 'XX', string.format('%.0f', time[1] * 1000000 + time[2] + 2000000), ARGV[1])
`;

/** Requests are still waiting for a connection or an answer: their slots are theirs, also if Redis has lost them. */
const renew = `
local time = redis.call('TIME')
for place = 2, #ARGV do
  redis.call('ZADD', KEYS[1], string.format('%.0f', time[1] * 1000000 + time[2] + ARGV[1]), ARGV[place])
end
redis.call('PEXPIRE', KEYS[1], 60000)
`;

/** The slot of a process that died is free again after this long. */
const leaseUs = 5_000_000;
const renewedEveryMs = 1_000;

/** A second, and what a timer may be early. */
const heldAfterAnswerMs = 1_001;

/** Leases last longer than a slot is held, so a clock that went ahead by less than this has ended none early. */
const jumpMs = 500;

const answersWithinMs = 5_000;
const askedAgainMs = 1_000;

export type RateLimiter = {
  /**
   * Resolves when the next request may be sent, with what is to be called once its response begins or it has failed.
   * Rejects with `queue_unavailable`: without Redis, none may be sent.
   */
  readonly beforeRequest: () => Promise<() => void>;
};

/**
 * A limiter shared by all worker processes on one Redis. A slot is taken before a request leaves. The process that took
 * it keeps it until the response, and frees it a second later, by its own clock. Two requests in one slot therefore arrive
 * at least a second apart, however long either waits for a connection, or is delayed by a busy machine or the network. So
 * no sliding second sees more requests than there are slots, and as many are used as 1 ÷ (1 s + the time of an answer).
 * The clock of Redis only ends the slots of processes that died. A process that sees it jump ahead sends nothing for a
 * second, because slots of the living ended too.
 *
 * @param requestsPerSecond never exceeded, over all processes together.
 */
export function createRateLimiter(redis: RedisClient, prefix: string, requestsPerSecond: number): RateLimiter {
  const slots = `${prefix}:vendor-places`;
  const next = `${prefix}:vendor-next`;
  const spacingUs = Math.floor(1_000_000 / requestsPerSecond);
  const held = new Set<string>();
  let renewal: NodeJS.Timeout | undefined;
  let before: { readonly sentMs: number; readonly redisUs: number } | undefined;
  let silentUntilMs = 0;
  let failed: { readonly error: LedgerError; readonly atMs: number } | undefined;
  const ask = async (slot: string): Promise<number> => {
    // After a failure, requests that were waiting in line do not ask Redis again at once.
    if (failed && performance.now() - failed.atMs < askedAgainMs) throw failed.error;
    try {
      const sentMs = performance.now();
      const asked = redis.eval(take, 2, slots, next, requestsPerSecond, spacingUs, leaseUs, slot);
      const answer = (await within(answersWithinMs, asked, () => new Error('no answer in time'))) as [number, string];
      const [waitMs, redisUs] = answer.map(Number) as [number, number];
      const nowMs = performance.now();
      // No more than this has really passed since Redis was asked before.
      if (before && (redisUs - before.redisUs) / 1_000 > nowMs - before.sentMs + jumpMs) silentUntilMs = nowMs + 1_000;
      before = { sentMs, redisUs };
      failed = undefined;
      return waitMs;
    } catch (error) {
      failed = { error: asQueueError(error), atMs: performance.now() };
      throw failed.error;
    }
  };
  const renewLater = (): void => {
    renewal ??= setTimeout(() => {
      renewal = undefined;
      if (held.size === 0) return;
      redis.eval(renew, 1, slots, leaseUs, ...held).catch(() => undefined);
      renewLater();
    }, renewedEveryMs).unref();
  };
  const free = (slot: string): void => {
    if (!held.delete(slot)) return;
    redis.eval(shorten, 1, slots, slot).catch(() => undefined);
    setTimeout(() => void redis.zrem(slots, slot).catch(() => undefined), heldAfterAnswerMs).unref();
  };
  const takeSlot = async (): Promise<() => void> => {
    const slot = randomUUID();
    for (;;) {
      const waitMs = await ask(slot);
      if (waitMs <= 0) break;
      await delay(waitMs);
    }
    held.add(slot);
    renewLater();
    // The slot that was just taken may be one that had ended too early.
    const silentMs = silentUntilMs - performance.now();
    if (silentMs > 0) await delay(silentMs);
    return () => free(slot);
  };
  // One request at a time asks Redis; the others of this process wait for their turn.
  let last: Promise<unknown> = Promise.resolve();
  return {
    beforeRequest: () => {
      const turn = last.then(takeSlot);
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}
