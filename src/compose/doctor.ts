import { type Config, type Environment, loadConfig, type VendorKey } from '../config/config.ts';
import { checkConnectionLimit, checkDatabase, describeDatabase } from '../db/check.ts';
import { type Database, openDatabase } from '../db/database.ts';
import { asDatabaseError } from '../db/errors.ts';
import { goneAttempts } from '../db/gone-attempts.ts';
import { checkSchema } from '../db/migrate.ts';
import { checkPooling } from '../db/pooling.ts';
import { checkReplica, openReplica } from '../db/replica.ts';
import { checkRights } from '../db/rights.ts';
import { openRedis } from '../redis/connect.ts';
import { checkRedis } from '../redis/check.ts';
import { type ErrorCode, errorCode, LedgerError } from '../errors.ts';
import { readReferenceData } from '../reference-data/read.ts';
import { acquireServices, type Services } from '../embedded/index.ts';
import { checkVendor } from '../id-scan/check-vendor.ts';
import { createVendorClient } from '../id-scan/client.ts';
import { type Add, building } from './closing.ts';
import { examineBrowsers, examineCreations } from './doctor-producers.ts';
import { examineDocuments, examineReports } from './doctor-stores.ts';
import { disconnect } from './queues.ts';
import { workerConnections } from './workers.ts';
import { orAfter } from '../within.ts';

/** What is examined, in this order. */
const examinations = [
  'configuration',
  'rules and prices',
  'browsers',
  'servers',
  'postgres',
  'standby',
  'books',
  'creations',
  'redis',
  'documents',
  'reports',
  'vendor',
] as const;
type Examination = (typeof examinations)[number];

/** `left_out`: not examined, or not there; `found` says why. */
export type Finding = {
  readonly examination: Examination;
  readonly state: 'ok' | 'failed' | 'left_out';
  readonly found: string;
  readonly hint?: string;
  readonly code?: ErrorCode;
};

/** An examination that does not end in time counts as failed. What it waits for is abandoned. */
const deadlineMs = 30_000;
/** Shorter, so that it is said what an examination waited for. */
const lockTimeoutMs = 10_000;
/** Redis may have to be downloaded, once. */
const serversDeadlineMs = 600_000;

/** Returns what was found, and a value for later examinations. */
type Examine<T> = () => Promise<{ readonly found: string; readonly value: T }>;

/**
 * Examines everything that can be wrong, before it causes a failure. Its only effects are a temporary file in each
 * folder, a Redis key that expires, and one request to the vendor. Commands run the same checks at their start.
 *
 * @param environment reads the environment, which may be wrong itself.
 * @param tell gets each finding as it is made.
 */
export async function examine(
  environment: () => Environment,
  tell: (finding: Finding) => void,
  { notice, signal }: ExamineOptions,
): Promise<void> {
  const { close } = await building(async (add) => {
    await Promise.race([examineAll(environment, tell, notice, add), untilAborted(signal)]);
  });
  await close();
  signal.throwIfAborted();
}

export type ExamineOptions = {
  /** Called with short lines about what takes long. */
  readonly notice: (line: string) => void;
  readonly signal: AbortSignal;
};

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

async function examineAll(
  environment: () => Environment,
  tell: (finding: Finding) => void,
  notice: (line: string) => void,
  add: Add,
): Promise<void> {
  const attempt = <T>(examination: Examination, run: Examine<T>, withinMs = deadlineMs) =>
    conclude(examination, run, tell, withinMs);
  const leaveOut = (names: readonly Examination[], found: string) => {
    for (const examination of names) tell({ examination, state: 'left_out', found });
  };
  const loaded = await attempt('configuration', () => Promise.resolve(readConfiguration(environment())));
  if (!loaded) {
    leaveOut(examinations.slice(1), 'not looked at: the configuration comes first');
    return;
  }
  const { config, vendorKey, service } = loaded;
  await attempt('rules and prices', () => Promise.resolve(readReferences(config)));
  const { browsers } = service ?? {};
  if (browsers) await attempt('browsers', () => Promise.resolve(examineBrowsers(browsers, new Date())));
  else leaveOut(['browsers'], 'BROWSER_ORIGINS is not set: no page reports results');
  let books: Database | undefined;
  const services = await attempt('servers', () => acquire(config, notice, add), serversDeadlineMs);
  if (services) {
    const postgres = await attempt('postgres', () => examinePostgres(services, add));
    const { db, isEmpty } = postgres ?? {};
    if (isEmpty === false) books = db;
    if (!db) leaveOut(['standby', 'books', 'creations'], 'not looked at: Postgres comes first');
    else {
      const { databaseReadUrl } = config;
      if (databaseReadUrl === undefined) leaveOut(['standby'], 'DATABASE_READ_URL is not set: the primary is read');
      else await attempt('standby', () => examineStandby(db, databaseReadUrl, add));
      if (isEmpty) leaveOut(['books', 'creations'], 'the database is empty yet');
      else {
        await attempt('books', () => examineBooks(db));
        await attempt('creations', () => examineCreations(db, new Date()));
      }
    }
    await attempt('redis', () => examineRedis(config, services, add));
    if (!db) leaveOut(['documents'], 'not looked at: Postgres comes first');
    else if (isEmpty) leaveOut(['documents'], 'the database is empty yet');
    else await attempt('documents', async () => ({ found: await examineDocuments(config, db), value: undefined }));
  } else
    leaveOut(['postgres', 'standby', 'books', 'creations', 'redis', 'documents'], 'not looked at: there is no server');
  await attempt('reports', async () => ({ found: await examineReports(config, books), value: undefined }));
  if (vendorKey) await attempt('vendor', () => examineVendor(config, vendorKey, add));
  else leaveOut(['vendor'], 'no key is set here: only workers need one');
}

async function conclude<T>(
  examination: Examination,
  run: Examine<T>,
  tell: (finding: Finding) => void,
  withinMs: number,
): Promise<T | undefined> {
  const late = Symbol('late');
  try {
    const result = await orAfter(withinMs, run(), late);
    if (typeof result === 'symbol') {
      tell({ examination, state: 'failed', found: `It did not end within ${withinMs / 1_000} s.` });
      return undefined;
    }
    tell({ examination, state: 'ok', found: result.found });
    return result.value;
  } catch (thrown) {
    const error = asDatabaseError(thrown);
    const { hint } = error instanceof LedgerError ? error : {};
    const code = errorCode(error);
    tell({ examination, state: 'failed', found: error.message, code, ...(hint === undefined ? {} : { hint }) });
    return undefined;
  }
}

function readConfiguration(environment: Environment) {
  const isKeyGiven = ['IDSCAN_KEY_ID', 'IDSCAN_KEY_SECRET'].some(
    (name) => (environment[name] ?? '') !== '' || (environment[`${name}_FILE`] ?? '') !== '',
  );
  const value = loadConfig(environment, { vendorKey: isKeyGiven, service: true, notifications: true });
  const { billingTimeZone, fetchDocuments, fetchAuditReports } = value.config;
  const fetched = [
    'results',
    ...(fetchDocuments ? ['documents'] : []),
    ...(fetchAuditReports ? ['audit reports'] : []),
  ].join(', ');
  return { found: `valid; months in ${billingTimeZone}; fetched: ${fetched}`, value };
}

function readReferences(config: Config) {
  const { rules, prices } = readReferenceData(config);
  const tables = rules.content.map(({ version }) => version).join(', ');
  const list = prices
    ? `price list ${prices.content.version} in ${prices.content.currency}`
    : 'no PRICES_FILE: amounts stay empty';
  return { found: `rules ${tables}; ${list}`, value: undefined };
}

async function acquire({ dataDir, databaseUrl, redisUrl }: Config, notice: (line: string) => void, add: Add) {
  const value = await acquireServices({ dataDir, databaseUrl, redisUrl, notice });
  add(value.release);
  const { postgres, redis } = value.embedded;
  const names = [...(postgres ? ['Postgres'] : []), ...(redis ? ['Redis'] : [])].join(' and ');
  return { found: names === '' ? 'servers of your own' : `embedded ${names}, below ${dataDir}`, value };
}

async function examinePostgres({ databaseUrl }: Services, add: Add) {
  const db = openDatabase(databaseUrl, { maxConnections: 2, queryTimeoutMs: deadlineMs, lockTimeoutMs });
  add(db.close);
  await checkDatabase(db, Date.now);
  const found = [await describeDatabase(db), await checkPooling(db)];
  await checkConnectionLimit(db, workerConnections.maxConnections + workerConnections.maxDedicated);
  const schema = await checkSchema(db);
  if (schema === 'current') await checkRights(db.kysely);
  const words = { empty: 'empty: the first command sets it up', current: 'the schema of this version' };
  return { found: [...found, words[schema]].join(', '), value: { db, isEmpty: schema === 'empty' } };
}

async function examineStandby(db: Database, url: string, add: Add) {
  const replica = openReplica(url, db, { maxConnections: 2, queryTimeoutMs: deadlineMs, lockTimeoutMs });
  add(replica.db.close);
  const found = [await checkReplica(db, replica), await checkPooling(replica.db, 'DATABASE_READ_URL')];
  return { found: found.join(', '), value: undefined };
}

async function examineRedis({ queuePrefix }: Config, { redisUrl }: Services, add: Add) {
  const redis = openRedis(redisUrl, 'worker', () => undefined);
  add(() => disconnect(redis));
  return { found: await checkRedis(redis, queuePrefix), value: undefined };
}

async function examineVendor(config: Config, key: VendorKey, add: Add) {
  const { baseUrl, tokenTtlSeconds, auditReportPath, proxy } = config.vendor;
  const vendor = createVendorClient({ baseUrl, tokenTtlSeconds, auditReportPath, proxy, ...key });
  add(() => vendor.close());
  return { found: `${baseUrl.origin}: ${await checkVendor(vendor, () => new Date())}`, value: undefined };
}

const listedAtMost = 20;

/** Looks for attempts that closed months charge for but that somebody removed from the tables. */
async function examineBooks(db: Database) {
  const gone = await goneAttempts(db.kysely, listedAtMost + 1);
  if (gone.length === 0) return { found: 'every attempt that was booked is in the tables', value: undefined };
  const listed = gone
    .slice(0, listedAtMost)
    .map((one) => `${one.transactionId} ${one.taskType} attempt ${one.ordinal}, booked for ${one.bookedFor}`);
  const more = gone.length > listedAtMost ? ['and more'] : [];
  throw new LedgerError(
    'blocked',
    `Attempts that were booked are gone from the tables:\n${[...listed, ...more].map((line) => `  - ${line}`).join('\n')}`,
    {
      hint: 'Somebody removed them by hand, and the next close would credit them. Restore them from a backup.',
    },
  );
}
