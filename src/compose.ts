import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { destination, pino, stdSerializers } from 'pino';
import type { Config, VendorKey } from './config.ts';
import { checkDatabase, openDatabase } from './db/database.ts';
import { ensureMigrated } from './db/migrate.ts';
import { errorCode, LedgerError } from './errors.ts';
import type { Context, QueueContext, VendorContext } from './jobs/context.ts';
import { defaultQueuePrefix, openQueues } from './jobs/queues.ts';
import { checkRedis, openRedis } from './jobs/redis.ts';
import { readPriceList } from './reference-data/price-list.ts';
import { readRuleTables } from './reference-data/rule-tables.ts';
import { acquireServices } from './services/index.ts';
import { createVendorClient } from './vendor/client.ts';
import { createRateLimiter } from './workers/rate-limit.ts';

/** Something built, and the way to end it. `close` may be called again. */
export type Composed<T> = { readonly context: T; readonly close: () => Promise<void> };

export type ComposeOptions = {
  /** Told in short lines what takes long, such as fetching Redis once. */
  readonly notice?: (line: string) => void;
  readonly queuePrefix?: string;
  readonly maxConnections?: number;
  /** A connection that stays silent for longer is given up. */
  readonly queryTimeoutMs?: number;
  /** `migrate` works on a database of any age. */
  readonly anySchema?: boolean;
};

/** A server that does not answer keeps nobody from ending. */
const closeDeadlineMs = 5_000;

/** Ends in reverse order of building; one failure does not keep the rest open. */
function closers() {
  const steps: (() => Promise<unknown>)[] = [];
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    for (const step of steps.reverse())
      await Promise.race([step().catch(() => undefined), delay(closeDeadlineMs, undefined, { ref: false })]);
  };
  return { add: (step: () => Promise<unknown>) => steps.push(step), close: () => (closing ??= close()) };
}

/** Builds in order; what was built is closed again if a later step fails. */
async function building<T>(build: (add: (step: () => Promise<unknown>) => void) => Promise<T>): Promise<Composed<T>> {
  const { add, close } = closers();
  try {
    return { context: await build((step) => void add(step)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Logs are JSON lines on stderr. An error's fields are logged, its causes only by their messages. */
export function createLog(level: Config['logLevel']): Context['log'] {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: {
        err: (error: Error) =>
          error instanceof LedgerError
            ? { code: error.code, message: error.message, fields: error.fields, cause: causeOf(error) }
            : stdSerializers.err(error),
      },
    },
    destination({ fd: 2, sync: true }),
  );
}

const causeOf = ({ cause }: LedgerError): string | undefined => (cause instanceof Error ? cause.message : undefined);

/** Stands in for the address of a server that a command does without, so that none is started for it. */
const notNeeded = 'none';

/** The books alone: Postgres, rules and prices. What reports, status and migrations need. */
export function composeBooks(config: Config, options: ComposeOptions = {}): Promise<Composed<Context>> {
  return building(async (add) => {
    const services = await acquireServices({
      dataDir: config.dataDir,
      databaseUrl: config.databaseUrl,
      redisUrl: config.redisUrl ?? notNeeded,
      ...(options.notice ? { notice: options.notice } : {}),
    });
    add(services.release);
    return booksOn(config, services.databaseUrl, options, add);
  });
}

/** Books and queues. What intake and reprocessing need; neither waits for Redis. */
export function composeQueues(config: Config, options: ComposeOptions = {}): Promise<Composed<QueueContext>> {
  return building(async (add) => (await queuesOn(config, options, add)).context);
}

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
    const { baseUrl, tokenTtlSeconds, auditReportPath, rateLimit, proxy } = config.vendor;
    const vendor = createVendorClient({
      ...{ baseUrl, tokenTtlSeconds, auditReportPath, proxy, now: context.now },
      ...key,
      ...(rateLimit === undefined ? {} : { beforeRequest: createRateLimiter(redis, queuePrefix, rateLimit) }),
    });
    add(() => vendor.close());
    return { ...context, vendor, redis, queuePrefix };
  });
}

type Add = (step: () => Promise<unknown>) => void;

async function queuesOn(
  config: Config,
  options: ComposeOptions,
  add: Add,
): Promise<{ context: QueueContext; redisUrl: string }> {
  const services = await acquireServices({
    dataDir: config.dataDir,
    databaseUrl: config.databaseUrl,
    redisUrl: config.redisUrl,
    ...(options.notice ? { notice: options.notice } : {}),
  });
  add(services.release);
  const context = await booksOn(config, services.databaseUrl, options, add);
  const onError = logConnection(context, 'redis');
  const redis = openRedis(services.redisUrl, 'producer', onError);
  add(() => disconnect(redis));
  const queues = openQueues(redis, options.queuePrefix ?? defaultQueuePrefix, onError);
  add(queues.close);
  return { context: { ...context, queues }, redisUrl: services.redisUrl };
}

async function booksOn(config: Config, databaseUrl: string, options: ComposeOptions, add: Add): Promise<Context> {
  const rules = readRuleTables(config.rulesFile);
  const prices = config.pricesFile === undefined ? undefined : readPriceList(config.pricesFile);
  const log = createLog(config.logLevel);
  const db = openDatabase(databaseUrl, {
    maxConnections: options.maxConnections ?? 5,
    queryTimeoutMs: options.queryTimeoutMs ?? 600_000,
    onError: (error) => log.warn({ message: error.message }, 'a connection to postgres broke'),
  });
  add(db.close);
  await checkDatabase(db, Date.now);
  if (!options.anySchema) await ensureMigrated(db);
  return { config, log, now: () => new Date(), db, rules, prices };
}

function disconnect(redis: Redis): Promise<void> {
  redis.disconnect();
  return Promise.resolve();
}

/** A server that is away is said once, not at every try. */
function logConnection({ log }: Pick<Context, 'log'>, server: string): (error: Error) => void {
  let lastSaidAt = 0;
  return (error) => {
    if (Date.now() - lastSaidAt < 30_000) return;
    lastSaidAt = Date.now();
    log.warn({ server, code: errorCode(error), message: error.message }, 'connection trouble, trying again');
  };
}
