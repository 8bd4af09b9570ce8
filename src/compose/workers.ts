import type { RedisClient } from '../redis/connect.ts';
import type { Config, VendorKey } from '../config/config.ts';
import { knownStore } from '../db/document-store.ts';
import { storeCodes } from '../error-table.ts';
import { errorCode } from '../errors.ts';
import {
  type Documents,
  isStoreWanted,
  type Notifications,
  type QueueContext,
  type VendorContext,
} from '../jobs/context.ts';
import { noMeter } from '../jobs/queue/meter.ts';
import { openChannels } from '../notify/channels.ts';
import { checkRedis } from '../redis/check.ts';
import { openRedis } from '../redis/connect.ts';
import { openWrites } from '../jobs/queue/writes.ts';
import { replayOrders } from '../jobs/custody/orders.ts';
import { openMasters } from '../store/encryption/masters.ts';
import { documentStore, openStore } from '../store/open.ts';
import { freeingBuffers } from '../id-scan/body-buffers.ts';
import { createVendorClient } from '../id-scan/client.ts';
import { createRateLimiter } from '../workers/rate-limit.ts';
import type { ComposeOptions } from './books.ts';
import { type Add, building, type Composed } from './closing.ts';
import { createLog } from './log.ts';
import { disconnect, queuesOn } from './queues.ts';
import { tracingOn } from './tracing.ts';

export type WorkersContext = VendorContext & { readonly redis: RedisClient; readonly queuePrefix: string };

/** Everything that workers need. They duplicate the `redis` connection. */
export function composeWorkers(
  config: Config,
  key: VendorKey,
  options: ComposeOptions = {},
): Promise<Composed<WorkersContext>> {
  return building(async (add) => {
    const tracing = await tracingOn(config, createLog(config.logLevel), add);
    const { context, redisUrl } = await queuesOn(config, { ...workerConnections, ...options, tracing }, add);
    return workersOn(context, redisUrl, key, options, add);
  });
}

export const workerConnections = {
  maxConnections: 16,
  maxDedicated: 4,
  queryTimeoutMs: 20_000,
  lockTimeoutMs: 5_000,
};

/**
 * What workers need in addition to books and queues.
 *
 * @throws LedgerError `queue_unavailable`, `queue_misconfigured`, `store_mismatch`, `storage_failed`, `storage_full`
 */
export async function workersOn(
  context: QueueContext,
  redisUrl: string,
  key: VendorKey,
  options: ComposeOptions,
  add: Add,
): Promise<WorkersContext> {
  const { config } = context;
  const queuePrefix = options.queuePrefix ?? config.queuePrefix;
  const redis = openRedis(redisUrl, 'worker', context.onRedisTrouble);
  add(() => disconnect(redis));
  await checkRedis(redis, queuePrefix);
  const documents = await documentsOf(context, options);
  const { baseUrl, tokenTtlSeconds, auditReportPath, rateLimit, proxy } = config.vendor;
  const { meter } = options;
  const vendor = createVendorClient({
    baseUrl,
    tokenTtlSeconds,
    auditReportPath,
    proxy,
    now: context.now,
    received: freeingBuffers(),
    ...key,
    ...(rateLimit === undefined ? {} : createRateLimiter(redis, queuePrefix, rateLimit)),
    ...(context.tracing ? { open: context.tracing.open } : {}),
    ...(meter === undefined ? {} : { observe: ({ status, durationMs }) => meter.vendorRequest(status, durationMs) }),
  });
  add(() => vendor.close());
  const notifications = await notificationsOf(config, options, add);
  const writes = openWrites(context.db.kysely, context.queues);
  return { ...context, vendor, writes, documents, notifications, redis, queuePrefix };
}

/**
 * Where documents lie: opened if files are fetched, and also if the books know a store, because erasures and retention
 * go on. A worker that fetches no files can do without. With `anySchema` the table that knows the store may not exist
 * yet.
 */
async function documentsOf(context: QueueContext, options: ComposeOptions): Promise<Documents | undefined> {
  const { config, db, log } = context;
  if (options.anySchema) return undefined;
  if (isStoreWanted(config)) return openDocuments(context, options);
  if ((await knownStore(db.kysely)) === undefined) return undefined;
  try {
    return await openDocuments(context, options);
  } catch (error) {
    if (!storeCodes.includes(errorCode(error))) throw error;
    log.warn({ err: error, code: errorCode(error) }, 'erasures and retention wait for a worker that has the store');
    return undefined;
  }
}

async function openDocuments({ config, db, log }: QueueContext, { notice }: ComposeOptions): Promise<Documents> {
  const store = await openStore(db.kysely, documentStore(config));
  const masters = await openMasters(db, config, notice ?? ((sentence) => log.warn(sentence)));
  const replayed = await replayOrders({ db }, store);
  if (replayed > 0) log.warn({ replayed }, 'orders to erase that the books had lost are carried out again');
  return { store, masters };
}

async function notificationsOf(
  config: Config,
  { notifications, meter = noMeter }: ComposeOptions,
  add: Add,
): Promise<Notifications | undefined> {
  if (!notifications) return undefined;
  const channels = await openChannels(notifications, config.vendor.proxy);
  for (const { close } of channels) add(close);
  const { kinds, monthlyBudget, publicUrl } = notifications;
  return { kinds, monthlyBudget, publicUrl, channels, counted: meter.notified };
}
