import { expect, test } from 'vitest';
import type { RedisClient } from '../../src/redis/connect.ts';
import { createRateLimiter } from '../../src/workers/rate-limit.ts';
import { createTestContext } from '../support/books.ts';

const requestsPerSecond = 50;
const requests = 160;

const mostInASecond = (sentAt: readonly number[]): number =>
  Math.max(...sentAt.map((from) => sentAt.filter((at) => at >= from && at < from + 1_000).length));

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

/**
 * When requests are sent by four processes' limiters together, each answered at once, in milliseconds.
 *
 * @param isEmptied whether Redis loses all that it knows in the middle.
 */
async function sendAll(aheadUs: (sinceMs: number) => number, isEmptied = false): Promise<number[]> {
  const context = await createTestContext();
  const startedAt = performance.now();
  const redis = withClock(context.redis, () => aheadUs(performance.now() - startedAt));
  const sentAt: number[] = [];
  const limiters = Array.from({ length: 4 }, () => createRateLimiter(redis, context.queuePrefix, requestsPerSecond));
  await Promise.all(
    limiters.flatMap((limiter) =>
      Array.from({ length: requests / limiters.length }, async () => {
        const answered = await limiter.beforeRequest();
        sentAt.push(performance.now());
        answered();
        if (!isEmptied || sentAt.length !== requests / 2) return;
        await context.redis.del(...(await context.redis.keys(`${context.queuePrefix}:vendor-*`)));
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
      return [clock, mostInASecond(sentAt)] as const;
    }),
  );
  expect(found.filter(([, most]) => most > requestsPerSecond)).toEqual([]);
});

test('the rate limit holds where Redis forgets who has sent what', async () => {
  expect(mostInASecond(await sendAll(() => 0, true))).toBeLessThanOrEqual(requestsPerSecond);
});

test('requests that wait for a connection keep their slots, and only theirs, until they have been answered', async () => {
  const { redis, queuePrefix } = await createTestContext();
  const [one, other] = [createRateLimiter(redis, queuePrefix, 10), createRateLimiter(redis, queuePrefix, 10)];
  const waiting = await Promise.all(Array.from({ length: 4 }, () => one.beforeRequest()));
  const sentAt: number[] = [];
  const [startedAt, lastsMs] = [performance.now(), 8_000];
  while (performance.now() - startedAt < lastsMs) {
    const answered = await other.beforeRequest();
    sentAt.push(performance.now());
    answered();
  }
  // What waited may be sent just now: with it, no second may have seen more than ten.
  expect(mostInASecond(sentAt)).toBeLessThanOrEqual(6);
  expect(sentAt.length).toBeGreaterThan((6 * lastsMs * 0.5) / 1_000);
  for (const answered of waiting) answered();
});
