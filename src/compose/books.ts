import type { Config, NotificationConfig } from '../config/config.ts';
import { booksId } from '../db/books-id.ts';
import { checkConnectionLimit, checkDatabase } from '../db/check.ts';
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
import { reportStore } from '../store/reports.ts';
import type { Tracing } from '../tracing/trace.ts';
import { type Add, building, type Composed } from './closing.ts';
import { createLog } from './log.ts';

export type ComposeOptions = {
  /** Called with short lines about what takes long, such as downloading Redis once. */
  readonly notice?: (line: string) => void;
  readonly queuePrefix?: string;
  readonly maxConnections?: number;
  /** A connection that stays silent for longer is closed. */
  readonly queryTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
  readonly maxDedicated?: number;
  /** Counts every request to the vendor. */
  readonly meter?: Meter;
  readonly tracing?: Tracing;
  /** Notifications that workers send. */
  readonly notifications?: NotificationConfig | undefined;
  /** Accepts a schema of any version, for `migrate`. */
  readonly anySchema?: boolean;
};

/** Stands in for the URL of a server that a command does not need, so that no embedded one is started. */
const notNeeded = 'none';

/** A command waits longer than workers, which try again by themselves. Locks of side-by-side workers are short. */
const commandLockTimeoutMs = 30_000;

/** The books alone: Postgres, rules and prices. Reports, status and migrations need no more. */
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

/** The books on a database whose URL is known. */
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
  const { maxConnections = 5, maxDedicated = 3, lockTimeoutMs = commandLockTimeoutMs } = options;
  const db = openDatabase(databaseUrl, { ...limits, maxConnections, maxDedicated, lockTimeoutMs });
  add(db.close);
  await checkDatabase(db, Date.now);
  await checkPooling(db);
  if (!options.anySchema) {
    await checkConnectionLimit(db, maxConnections + maxDedicated);
    await ensureMigrated(db);
    await checkRights(db.kysely);
  }
  const ofReplica = { ...limits, onError: () => undefined, maxConnections: 5, maxDedicated, lockTimeoutMs };
  const replica = await replicaOf(config, db, ofReplica, log, add);
  return {
    config,
    log,
    now: () => new Date(),
    db,
    replica,
    reports: reportStore(config, () => booksId(db.kysely)),
    ...data,
  };
}

/**
 * Opens the standby to read from. If it is away, only a warning is logged: the primary is read until the standby is
 * back.
 *
 * @throws LedgerError `database_misconfigured` if it is not a standby of our primary.
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
