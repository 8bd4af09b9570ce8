import { expect, test } from 'vitest';
import type { RedisClient } from '../../src/redis/connect.ts';
import { createRateLimiter } from '../../src/workers/rate-limit.ts';
import { createTestContext } from '../support/books.ts';

const requestsPerSecond = 50;
const requests = 160;

/** Redis, but its clock runs ahead of the true one by so many microseconds (behind it, where negative). */
const withClock = (redis: RedisClient, aheadUs: () => number): RedisClient =>
  new Proxy(redis, {
    get: (target, name) => {
      if (name !== 'eval') return Reflect.get(target, name, target) as unknown;
      return (script: string, ...rest: [number, ...string[]]) =>
        target.eval(
          script.replace(
            /local time = .*/,
            `$&
             local shown = time[1] * 1000000 + time[2] + (${Math.round(aheadUs())})
             time = { math.floor(shown / 1000000), shown % 1000000 }`,
          ),
          ...rest,
        );
    },
  });

/** When requests are sent by four processes' limiters together, each answered at once, in milliseconds. */
async function sendAll(aheadUs: (sinceMs: number) => number): Promise<number[]> {
  const context = await createTestContext();
  const startedAt = performance.now();
  const redis = withClock(context.redis, () => aheadUs(performance.now() - startedAt));
  const sentAt: number[] = [];
  const limiters = Array.from({ length: 4 }, () => createRateLimiter(redis, context.queuePrefix, requestsPerSecond));
  await Promise.all(
    limiters.flatMap((limiter) =>
      Array.from({ length: requests / limiters.length }, async () => {
        await limiter.beforeRequest();
        sentAt.push(performance.now());
        limiter.afterAnswer();
      }),
    ),
  );
  return sentAt.sort((a, b) => a - b);
}

/** How far the clock of Redis is ahead of ours, in microseconds, after so many milliseconds. */
const clocks: Readonly<Record<string, (sinceMs: number) => number>> = {
  'runs as ours': () => 0,
  'jumps ahead by 300 ms': (sinceMs) => (sinceMs < 1_500 ? 0 : 300_000),
  'jumps ahead by 10 s': (sinceMs) => (sinceMs < 1_500 ? 0 : 10_000_000),
  'is made to run 8% fast, to catch up': (sinceMs) => sinceMs * 80,
  'jumps back by an hour': (sinceMs) => (sinceMs < 1_500 ? 0 : -3_600_000_000),
};

test('the rate limit holds in every sliding second over several processes, whatever Redis’ clock does', async () => {
  const found = await Promise.all(
    Object.entries(clocks).map(async ([clock, aheadUs]) => {
      const sentAt = await sendAll(aheadUs);
      expect(sentAt, clock).toHaveLength(requests);
      const inSeconds = sentAt.map((from) => sentAt.filter((at) => at >= from && at < from + 1_000).length);
      return [clock, Math.max(...inSeconds)] as const;
    }),
  );
  expect(found.filter(([, most]) => most > requestsPerSecond)).toEqual([]);
});
