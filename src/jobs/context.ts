import type { Logger } from 'pino';
import type { Config, NotificationConfig } from '../config/config.ts';
import type { Database } from '../db/database.ts';
import type { Replica } from '../db/replica.ts';
import type { ChannelName, ObligationKind } from '../db/schema.ts';
import type { RuleTable } from '../domain/classify.ts';
import type { PriceList } from '../domain/prices.ts';
import type { Channel } from '../notify/channel.ts';
import type { DataFile } from '../reference-data/data-file.ts';
import type { ReportStore } from '../reports/report-store.ts';
import type { OpenedStore } from '../store/object-store.ts';
import type { Tracing } from '../tracing/trace.ts';
import type { RedisHealth } from '../redis/health.ts';
import type { VendorClient } from '../id-scan/client.ts';
import { type JobKind, jobKinds, type Queues } from './queue/queues.ts';
import type { Writes } from './queue/writes.ts';

/** What every job works with. Built once, in `src/compose`. */
export type Context = {
  readonly config: Config;
  readonly log: Logger;
  readonly now: () => Date;
  readonly db: Database;
  /** Pages and reports read from it. `undefined` = no replica is configured. */
  readonly replica?: Replica | undefined;
  readonly rules: DataFile<readonly RuleTable[]>;
  readonly prices: DataFile<PriceList> | undefined;
  /** Where reports are published. */
  readonly reports: ReportStore;
};

/** What jobs that enqueue work need. */
export type QueueContext = Context & {
  readonly queues: Queues;
  /** Whether Redis accepts writes now: for readiness checks, metrics, and code that waits for Redis. */
  readonly redisHealth: RedisHealth;
  /** Logs trouble with Redis, at most once in half a minute for the whole process. */
  readonly onRedisTrouble: (error: Error) => void;
  readonly tracing?: Tracing | undefined;
};

/** What jobs that call the vendor need. */
export type VendorContext = QueueContext & {
  readonly vendor: VendorClient;
  readonly writes: Writes;
  /** `undefined` = no files are wanted. */
  readonly documents?: Documents | undefined;
  /** `undefined` = no notifications are configured. */
  readonly notifications?: Notifications | undefined;
};

/** Where documents are stored, and the public keys of the masters that their keys are sealed to. */
export type Documents = { readonly store: OpenedStore; readonly masters: readonly Buffer[] };

/** Where notifications go, and which kinds are sent. */
export type Notifications = Pick<NotificationConfig, 'kinds' | 'monthlyBudget' | 'publicUrl'> & {
  readonly channels: readonly Channel[];
  readonly counted: (channel: ChannelName, outcome: 'delivered' | 'failed') => void;
};

/** What jobs that send notifications need. */
export type NotifyingContext = Context & { readonly notifications: Notifications };

/** The obligation kinds that are switched on. Others are never fetched and never waited for. */
export function wantedKinds({ fetchDocuments, fetchAuditReports }: Config): ObligationKind[] {
  return [
    'result' as const,
    ...(fetchDocuments ? (['documents'] as const) : []),
    ...(fetchAuditReports ? (['audit_report'] as const) : []),
  ];
}

/** The store for a job that fetches files. Such jobs run only where files are wanted. */
export function openedStore({ documents }: Pick<VendorContext, 'documents'>): Documents {
  if (!documents) throw new Error('A job on files runs without a document store.');
  return documents;
}

/** Whether any files are to be stored. */
export const isStoreWanted = (config: Config): boolean => config.fetchDocuments || config.fetchAuditReports;

/** A job, with the kinds of work it does. */
export type WantedJob = { readonly job: JobKind; readonly kinds: readonly ObligationKind[] };

/** The jobs that have any wanted kind of work. */
export function wantedJobs(config: Config): WantedJob[] {
  const wanted = wantedKinds(config);
  return (Object.keys(jobKinds) as JobKind[])
    .map((job) => ({ job, kinds: jobKinds[job].filter((kind) => wanted.includes(kind)) }))
    .filter(({ kinds }) => kinds.length > 0);
}
