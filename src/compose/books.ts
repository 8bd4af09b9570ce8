import type { Config, NotificationConfig } from '../config.ts';
import { checkDatabase } from '../db/check.ts';
import { openDatabase } from '../db/database.ts';
import { ensureMigrated } from '../db/migrate.ts';
import { checkPooling } from '../db/pooling.ts';
import { openReplica } from '../db/replica.ts';
import type { Context } from '../jobs/context.ts';
import { sayDatabaseAway } from '../jobs/database-away.ts';
import type { Meter } from '../jobs/meter.ts';
import { readReferenceData, type ReferenceData } from '../reference-data/read.ts';
import { acquireServices } from '../services/index.ts';
import type { Tracing } from '../tracing/trace.ts';
import { type Add, building, type Composed } from './closing.ts';
import { createLog } from './log.ts';

export type ComposeOptions = {
  /** Told in short lines what takes long, such as fetching Redis once. */
  readonly notice?: (line: string) => void;
  readonly queuePrefix?: string;
  readonly maxConnections?: number;
  /** A connection that stays silent for longer is given up. */
  readonly queryTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
  /** Told of every request to the vendor. */
  readonly meter?: Meter;
  readonly tracing?: Tracing;
  /** Whom workers tell of reports and thresholds. */
  readonly notifications?: NotificationConfig | undefined;
  /** `migrate` works on a database of any age. */
  readonly anySchema?: boolean;
};

/** Stands in for the address of a server that a command does without, so that none is started for it. */
const notNeeded = 'none';

/** The books alone: Postgres, rules and prices. What reports, status and migrations need. */
export function composeBooks(config: Config, options: ComposeOptions = {}): Promise<Composed<Context>> {
  return building(async (add) => {
    const data = readReferenceData(config);
    const services = await acquireServices({
      dataDir: config.dataDir,
      databaseUrl: config.databaseUrl,
      redisUrl: config.redisUrl ?? notNeeded,
      ...(options.notice ? { notice: options.notice } : {}),
    });
    add(services.release);
    return booksOn(config, data, services.databaseUrl, options, add);
  });
}

/** The books on a database whose address is known. */
export async function booksOn(
  config: Config,
  data: ReferenceData,
  databaseUrl: string,
  options: ComposeOptions,
  add: Add,
): Promise<Context> {
  const log = createLog(config.logLevel);
  const limits = {
    queryTimeoutMs: options.queryTimeoutMs ?? 600_000,
    onError: (error: Error) => sayDatabaseAway(log, error),
  };
  const { maxConnections = 5, lockTimeoutMs } = options;
  const db = openDatabase(databaseUrl, { ...limits, maxConnections, lockTimeoutMs });
  add(db.close);
  await checkDatabase(db, Date.now);
  await checkPooling(db);
  if (!options.anySchema) await ensureMigrated(db);
  const replica = config.databaseReadUrl && openReplica(config.databaseReadUrl, db, { ...limits, maxConnections: 5 });
  if (replica) add(replica.db.close);
  return { config, log, now: () => new Date(), db, replica: replica || undefined, ...data };
}
