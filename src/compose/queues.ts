import type { RedisClient } from '../redis/connect.ts';
import type { Config } from '../config/config.ts';
import type { QueueContext } from '../jobs/context.ts';
import { openQueues } from '../jobs/queue/queues.ts';
import { createRedisHealth } from '../redis/health.ts';
import { openRedis } from '../redis/connect.ts';
import { readReferenceData } from '../reference-data/read.ts';
import { acquireServices } from '../embedded/index.ts';
import { booksOn, type ComposeOptions } from './books.ts';
import { type Add, building, type Composed } from './closing.ts';
import { logRedisTrouble } from './log.ts';

/** Books and queues, for intake and reprocessing. Neither waits for Redis. */
export function composeQueues(config: Config, options: ComposeOptions = {}): Promise<Composed<QueueContext>> {
  return building(async (add) => (await queuesOn(config, options, add)).context);
}

/** Books and queues, with the URL of Redis. */
export async function queuesOn(
  config: Config,
  options: ComposeOptions,
  add: Add,
): Promise<{ context: QueueContext; redisUrl: string }> {
  const data = readReferenceData(config);
  const services = await acquireServices({
    dataDir: config.dataDir,
    databaseUrl: config.databaseUrl,
    redisUrl: config.redisUrl,
    ...(options.notice ? { notice: options.notice } : {}),
  });
  add(services.release);
  const context = await booksOn(config, data, services.databaseUrl, options, add);
  const onRedisTrouble = logRedisTrouble(context);
  const redis = openRedis(services.redisUrl, 'producer', onRedisTrouble);
  add(() => disconnect(redis));
  const prefix = options.queuePrefix ?? config.queuePrefix;
  const queues = openQueues(redis, prefix, onRedisTrouble, options.tracing?.queues);
  add(queues.close);
  const redisHealth = createRedisHealth(redis, prefix);
  return {
    context: { ...context, queues, redisHealth, onRedisTrouble, tracing: options.tracing },
    redisUrl: services.redisUrl,
  };
}

export function disconnect(redis: RedisClient): Promise<void> {
  redis.disconnect();
  return Promise.resolve();
}
