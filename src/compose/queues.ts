import type { RedisClient } from '../redis/connect.ts';
import type { Config } from '../config.ts';
import type { QueueContext } from '../jobs/context.ts';
import { openQueues } from '../jobs/queues.ts';
import { openRedis } from '../redis/connect.ts';
import { readReferenceData } from '../reference-data/read.ts';
import { acquireServices } from '../services/index.ts';
import { booksOn, type ComposeOptions } from './books.ts';
import { type Add, building, type Composed } from './closing.ts';
import { logConnection } from './log.ts';

/** Books and queues. What intake and reprocessing need; neither waits for Redis. */
export function composeQueues(config: Config, options: ComposeOptions = {}): Promise<Composed<QueueContext>> {
  return building(async (add) => (await queuesOn(config, options, add)).context);
}

/** Books and queues, where Redis is, and the queues' connection to it. */
export async function queuesOn(
  config: Config,
  options: ComposeOptions,
  add: Add,
): Promise<{ context: QueueContext; redisUrl: string; redis: RedisClient }> {
  const data = readReferenceData(config);
  const services = await acquireServices({
    dataDir: config.dataDir,
    databaseUrl: config.databaseUrl,
    redisUrl: config.redisUrl,
    ...(options.notice ? { notice: options.notice } : {}),
  });
  add(services.release);
  const context = await booksOn(config, data, services.databaseUrl, options, add);
  const onError = logConnection(context, 'redis');
  const redis = openRedis(services.redisUrl, 'producer', onError);
  add(() => disconnect(redis));
  const queues = openQueues(redis, options.queuePrefix ?? config.queuePrefix, onError, options.tracing?.queues);
  add(queues.close);
  return { context: { ...context, queues, tracing: options.tracing }, redisUrl: services.redisUrl, redis };
}

export function disconnect(redis: RedisClient): Promise<void> {
  redis.disconnect();
  return Promise.resolve();
}
