import type { Redis } from 'ioredis';
import type { Config, VendorKey } from '../config.ts';
import type { VendorContext } from '../jobs/context.ts';
import { defaultQueuePrefix } from '../jobs/queues.ts';
import { removeStaleDownloads } from '../jobs/file-store.ts';
import { checkRedis, openRedis } from '../jobs/redis.ts';
import { createVendorClient } from '../vendor/client.ts';
import { createRateLimiter } from '../workers/rate-limit.ts';
import type { ComposeOptions } from './books.ts';
import { building, type Composed } from './closing.ts';
import { logConnection } from './log.ts';
import { disconnect, queuesOn } from './queues.ts';

/** Everything. What workers need. `redis` is for them to duplicate. */
export function composeWorkers(
  config: Config,
  key: VendorKey,
  options: ComposeOptions = {},
): Promise<Composed<VendorContext & { redis: Redis; queuePrefix: string }>> {
  return building(async (add) => {
    const { context, redisUrl } = await queuesOn(
      config,
      { maxConnections: 20, queryTimeoutMs: 20_000, ...options },
      add,
    );
    const queuePrefix = options.queuePrefix ?? defaultQueuePrefix;
    const redis = openRedis(redisUrl, 'worker', logConnection(context, 'redis'));
    add(() => disconnect(redis));
    await checkRedis(redis);
    await removeStaleDownloads(config.dataDir, Date.now());
    const { baseUrl, tokenTtlSeconds, auditReportPath, rateLimit, proxy } = config.vendor;
    const vendor = createVendorClient({
      ...{ baseUrl, tokenTtlSeconds, auditReportPath, proxy, now: context.now },
      ...key,
      ...(rateLimit === undefined ? {} : createRateLimiter(redis, queuePrefix, rateLimit)),
    });
    add(() => vendor.close());
    return { ...context, vendor, redis, queuePrefix };
  });
}
