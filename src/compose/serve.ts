import { setTimeout as delay } from 'node:timers/promises';
import type { Config, ServiceConfig, VendorKey } from '../config/config.ts';
import { databaseReadiness } from '../db/readiness.ts';
import { type ErrorCode, storeCodes } from '../error-table.ts';
import { errorCode } from '../errors.ts';
import type { ServiceContext } from '../http/context.ts';
import { buildServer, drain, listen } from '../http/server.ts';
import type { QueueContext } from '../jobs/context.ts';
import type { Meter } from '../jobs/queue/meter.ts';
import { sharedCheck } from '../jobs/queue/shared-check.ts';
import { addProcessMetrics } from '../metrics/process.ts';
import { addUsabilityGauges } from '../metrics/usability.ts';
import { createWorkMetrics } from '../metrics/work.ts';
import { runWorkers, type RunningWorkers } from '../workers/run-workers.ts';
import { createSeldom } from '../seldom.ts';
import type { ComposeOptions } from './books.ts';
import { building, type Composed } from './closing.ts';
import { createLog } from './log.ts';
import { queuesOn } from './queues.ts';
import { tracingOn } from './tracing.ts';
import { vendorOn } from './vendor.ts';
import { workerConnections, workersOn } from './workers.ts';
import { orAfter } from '../within.ts';

/** The service, built but not yet listening. */
export type Service = {
  readonly context: ServiceContext;
  /** @returns the address it listens on. @throws LedgerError `address_unavailable` */
  readonly listen: () => Promise<string>;
  /** Rejects if the workers beside it cannot run at all; otherwise it stays pending. */
  readonly failed: Promise<never>;
  /** Takes no new request or job, lets running ones finish, and stops waiting at a deadline. */
  readonly stop: () => Promise<void>;
};

export type ServeOptions = ComposeOptions & {
  /** With a key, workers run in the same process. */
  readonly workersKey?: VendorKey | undefined;
  /** With a key, transactions can be created. */
  readonly creatingKey?: VendorKey | undefined;
};

/** Together with closing everything else, less than the 30 s that a supervisor waits. */
const workersDeadlineMs = 20_000;
const requestsDeadlineMs = 10_000;
const workersRetryMs = 2_000;

/** Books, queues, the HTTP service and, if wanted, workers. Neither the service nor its start waits for Redis. */
export function composeServe(
  config: Config,
  service: ServiceConfig,
  options: ServeOptions = {},
): Promise<Composed<Service>> {
  return building(async (add) => {
    const { registry, meter } = createWorkMetrics();
    const tracing = await tracingOn(config, createLog(config.logLevel), add);
    const onQueues = { ...workerConnections, ...options, meter, tracing };
    const { context, redisUrl } = await queuesOn(config, onQueues, add);
    addProcessMetrics(registry);
    const isPostgresReady = async () => (await databaseReadiness(context.db)).postgres;
    const isRedisReady = context.redisHealth.isUsable;
    addUsabilityGauges(registry, { postgres: sharedCheck(isPostgresReady, false), redis: isRedisReady });
    const vendor = options.creatingKey && vendorOn(config, options.creatingKey, add);
    const serviceContext: ServiceContext = { ...context, service, registry, isRedisReady, vendor };
    const server = await buildServer(serviceContext);
    add(() => server.close());
    const { workersKey } = options;
    const workers = workersKey && startWorkers(context, redisUrl, workersKey, { ...options, meter });
    return {
      context: serviceContext,
      listen: () => listen(server, service),
      failed: workers?.failed ?? new Promise<never>(() => undefined),
      stop: async () => {
        await Promise.all([drain(server, requestsDeadlineMs), workers?.stop()]);
      },
    };
  });
}

type WorkersBeside = { readonly failed: Promise<never>; readonly stop: () => Promise<void> };

/** Failures that workers beside the service wait for: they pass, or somebody fixes them. */
const waitsFor: readonly ErrorCode[] = [
  'queue_unavailable',
  'queue_misconfigured',
  'database_unavailable',
  'database_forbidden',
  'database_misconfigured',
  ...storeCodes,
];

/** Starts workers beside the service. While they cannot start, they wait, and the service accepts requests. */
function startWorkers(
  context: QueueContext,
  redisUrl: string,
  key: VendorKey,
  options: ComposeOptions & { readonly meter: Meter },
): WorkersBeside {
  const stopping = new AbortController();
  let running: { readonly workers: RunningWorkers; readonly close: () => Promise<void> } | undefined;
  const start = async (): Promise<void> => {
    const { context: own, close } = await building((add) => workersOn(context, redisUrl, key, options, add));
    const { redis, queuePrefix: prefix } = own;
    running = { workers: runWorkers(own, { redis, prefix, isBatch: false, meter: options.meter }), close };
    context.log.info({ pid: process.pid }, 'workers started');
  };
  const shouldReport = createSeldom();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  const started = (async () => {
    while (!stopping.signal.aborted && !running)
      try {
        await start();
      } catch (error) {
        const code = errorCode(error);
        if (!waitsFor.includes(code)) {
          failed.reject(error);
          return;
        }
        if (shouldReport(code)) context.log.warn({ err: error, code }, 'workers cannot begin yet, trying again');
        await delay(workersRetryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
  })();
  return {
    failed: failed.promise,
    stop: async () => {
      stopping.abort();
      await orAfter(workersDeadlineMs, started, undefined);
      await running?.workers.stop(workersDeadlineMs);
      await running?.close();
    },
  };
}
