import type { Config, NotificationConfig } from '../config/config.ts';
import { checkDatabase } from '../db/check.ts';
import { type Database, type DatabaseOptions, openDatabase } from '../db/database.ts';
import { ensureMigrated } from '../db/migrate.ts';
import { checkPooling } from '../db/pooling.ts';
import { checkRights } from '../db/rights.ts';
import { checkReplica, openReplica, type Replica } from '../db/replica.ts';
import { errorCode } from '../errors.ts';
import type { Context } from '../jobs/context.ts';
import { sayDatabaseAway } from '../jobs/database-away.ts';
import type { Meter } from '../jobs/queue/meter.ts';
import { readReferenceData, type ReferenceData } from '../reference-data/read.ts';
import { acquireServices } from '../embedded/index.ts';
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
  if (!options.anySchema) {
    await ensureMigrated(db);
    await checkRights(db.kysely);
  }
  const replica = await replicaOf(config, db, { ...limits, onError: () => undefined, maxConnections: 5 }, log, add);
  return { config, log, now: () => new Date(), db, replica, ...data };
}

/**
 * A standby to read from. One that is away costs nothing but a warning: it may come back, and the primary is read
 * meanwhile.
 *
 * @throws LedgerError `database_misconfigured` for one that is none of ours.
 */
async function replicaOf(
  { databaseReadUrl }: Config,
  db: Database,
  options: DatabaseOptions,
  log: Context['log'],
  add: Add,
): Promise<Replica | undefined> {
  if (databaseReadUrl === undefined) return undefined;
  const replica = openReplica(databaseReadUrl, db, options);
  add(replica.db.close);
  try {
    await checkReplica(db, replica);
  } catch (error) {
    if (errorCode(error) === 'database_misconfigured') throw error;
    log.warn({ err: error, code: errorCode(error) }, 'the standby for reading is away: the primary is read');
  }
  return replica;
}
