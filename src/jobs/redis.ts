import { Redis } from 'ioredis';
import { LedgerError } from '../errors.ts';

/**
 * Opens a connection.
 * - `worker`: waits for Redis however long it takes; a socket that stays silent is given up after 15 s.
 * - `producer`: fails fast, so that an intake can go on without Redis; a socket that stays silent is given up with the
 *   command that it did not answer, or all later ones would wait for it, too.
 */
export function openRedis(url: string, role: 'worker' | 'producer', onError: (error: Error) => void): Redis {
  const redis = new Redis(url, {
    connectionName: `idscan-ledger-${role}`,
    connectTimeout: 5_000,
    // Ending a connection that has ended already would keep the process for 2 s.
    disconnectTimeout: 100,
    retryStrategy: (times) => Math.min(100 * 2 ** Math.min(times, 6), 3_000),
    ...(role === 'worker'
      ? { maxRetriesPerRequest: null, socketTimeout: 15_000 }
      : { maxRetriesPerRequest: 1, enableOfflineQueue: false, commandTimeout: 5_000, socketTimeout: 5_000 }),
  });
  redis.on('error', onError);
  // As many intakes as come in may wait for it at once.
  redis.setMaxListeners(Infinity);
  return redis;
}

/**
 * Waits until a connection can take commands.
 *
 * @returns whether it can, within `timeoutMs`.
 */
export async function isReady(redis: Redis, timeoutMs: number): Promise<boolean> {
  if (redis.status === 'ready') return true;
  return new Promise((resolve) => {
    const settle = (ready: boolean) => {
      clearTimeout(timer);
      redis.off('ready', onReady);
      resolve(ready);
    };
    const onReady = () => settle(true);
    const timer = setTimeout(() => settle(false), timeoutMs);
    redis.once('ready', onReady);
  });
}

/**
 * Refuses a Redis that may throw jobs away.
 *
 * @throws LedgerError `queue_unavailable`, `queue_misconfigured`
 */
export async function checkRedis(redis: Redis): Promise<void> {
  if (!(await isReady(redis, 10_000)))
    throw new LedgerError('queue_unavailable', 'Redis does not answer.', {
      hint: 'Check REDIS_URL and that the server runs. What is due stays in Postgres and is done once Redis is back.',
    });
  const policy = /^maxmemory_policy:(.+?)\r?$/m.exec(await redis.info('memory'))?.[1];
  if (policy !== undefined && policy !== 'noeviction')
    throw new LedgerError(
      'queue_misconfigured',
      `Redis' maxmemory-policy is ${policy}: it may drop jobs when memory is short.`,
      {
        fields: { policy },
        hint: 'Set it: redis-cli CONFIG SET maxmemory-policy noeviction (and in redis.conf, to last).',
      },
    );
}
