import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';

/**
 * Hands out send times, evenly spaced, on Redis' clock. The key holds the next free time in microseconds. A spacing
 * slightly above 1/rate keeps any sliding second at or below the rate in spite of jitter on the way.
 */
const reserve = `
local now = redis.call('TIME')
local nowUs = now[1] * 1000000 + now[2]
local nextUs = tonumber(redis.call('GET', KEYS[1]) or 0)
local sendUs = math.max(nowUs, nextUs)
redis.call('SET', KEYS[1], string.format('%.0f', sendUs + ARGV[1]), 'PX', 60000)
return math.ceil((sendUs - nowUs) / 1000)
`;

/** Slots that a process gives up in a row; one that is late every time must get on, too. */
const mostMissed = 5;
/** How late a slot may be used; covered by the spacing's margin. */
const latenessMs = 20;

/**
 * A limiter that all worker processes on one Redis share.
 *
 * @param requestsPerSecond never exceeded, over all processes together.
 * @returns a function that resolves when the next request may be sent.
 */
export function createRateLimiter(redis: Redis, prefix: string, requestsPerSecond: number): () => Promise<void> {
  const spacingUs = Math.ceil(1_000_000 / requestsPerSecond / 0.97);
  const key = `${prefix}:vendor-rate`;
  return async () => {
    for (let missed = 0; ; missed += 1) {
      const askedAtMs = performance.now();
      const waitMs = Number(await redis.eval(reserve, 1, key, spacingUs));
      if (waitMs > 0) await delay(waitMs);
      // A busy process wakes up late and would send several at once: a slot that is missed is given up for a new one.
      if (performance.now() - askedAtMs - waitMs <= latenessMs || missed >= mostMissed) return;
    }
  };
}
