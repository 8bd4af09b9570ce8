import { LedgerError } from '../errors.ts';
import { isReady, type RedisClient } from './connect.ts';

/**
 * Refuses a Redis that may throw jobs away.
 *
 * @throws LedgerError `queue_unavailable`, `queue_misconfigured`
 */
export async function checkRedis(redis: RedisClient): Promise<void> {
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
