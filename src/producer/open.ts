import { building, type Composed } from '../compose/closing.ts';
import { disconnect } from '../compose/queues.ts';
import { defaultQueuePrefix, queuePrefixForm } from '../config/queue-prefix.ts';
import { parseRedisUrl } from '../config/redis-address.ts';
import { checkConnectionLimit, checkDatabase } from '../db/check.ts';
import { asDatabaseError, type Database, openDatabase } from '../db/database.ts';
import { checkSchema } from '../db/migrate.ts';
import { placeOfBooks } from '../db/on-client.ts';
import { checkPooling } from '../db/pooling.ts';
import { checkRights } from '../db/rights.ts';
import { isReference } from '../domain/transaction-request.ts';
import { LedgerError } from '../errors.ts';
import { openQueues } from '../jobs/queue/queues.ts';
import { openRedis } from '../redis/connect.ts';
import { create, type CreateContext, vendorWhenNeeded } from './create.ts';
import { enqueue, type EnqueueContext } from './enqueue.ts';
import type { Producer, ProducerOptions } from './producer.ts';

const lockTimeoutMs = 30_000;
const maxDedicated = 3;

/** Opens what `index.ts` offers. */
export async function open(options: ProducerOptions): Promise<Producer> {
  const { context, close } = await compose(options);
  let isClosed = false;
  const expectOpen = (): void => {
    if (isClosed) throw new LedgerError('interrupted', 'The producer is closed.');
  };
  return {
    enqueue: async (ids, enqueueOptions) => {
      expectOpen();
      return enqueue(context, ids, enqueueOptions);
    },
    createTransaction: async (request, creationOptions) => {
      expectOpen();
      return context.until(create(context, request, creationOptions));
    },
    close: () => {
      isClosed = true;
      return close();
    },
  };
}

type Context = EnqueueContext &
  CreateContext & {
    /** Work that closing waits for. */
    readonly until: <T>(work: Promise<T>) => Promise<T>;
  };

function compose(options: ProducerOptions): Promise<Composed<Context>> {
  const {
    databaseUrl,
    redisUrl,
    queuePrefix = defaultQueuePrefix,
    maxConnections = 5,
    idScan,
    caller,
  } = checked(options);
  parseRedisUrl(redisUrl);
  return building(async (add) => {
    const db = openDatabase(databaseUrl, { maxConnections, maxDedicated, lockTimeoutMs });
    add(db.close);
    await checkBooks(db, maxConnections + maxDedicated);
    const redis = openRedis(redisUrl, 'producer', () => undefined);
    add(() => disconnect(redis));
    const queues = openQueues(redis, queuePrefix, () => undefined);
    add(queues.close);
    const { vendor, close } = vendorWhenNeeded(idScan);
    const askedBy = caller === undefined ? 'library' : `library ${caller}`;
    add(close);
    const running = new Set<Promise<unknown>>();
    add(() => Promise.allSettled(running));
    const until = <T>(work: Promise<T>): Promise<T> => {
      running.add(work);
      return work.finally(() => running.delete(work));
    };
    return { db, queues, place: await placeOfBooks(db.kysely), vendor, until, askedBy };
  });
}

/** What commands check, but that an empty database is not migrated: a mistyped address would make books nobody reads. */
async function checkBooks(db: Database, connections: number): Promise<void> {
  try {
    await checkDatabase(db, Date.now);
    await checkPooling(db);
    await checkConnectionLimit(db, connections);
    if ((await checkSchema(db)) === 'empty')
      throw new LedgerError('database_outdated', 'The database is empty: there are no books in it.', {
        hint: 'Check the address, or run, as the owner of the schema: npx idscan-ledger migrate up',
      });
    await checkRights(db.kysely);
  } catch (error) {
    throw asDatabaseError(error);
  }
}

/** Callers in plain JavaScript may give anything. */
function checked(options: ProducerOptions): ProducerOptions {
  const { databaseUrl, redisUrl, queuePrefix, maxConnections, idScan, caller } = options as Partial<
    Record<keyof ProducerOptions, unknown>
  >;
  const problems = [
    ...(isText(databaseUrl) ? [] : ['databaseUrl is missing']),
    ...(isText(redisUrl) ? [] : ['redisUrl is missing']),
    ...(queuePrefix === undefined || (isText(queuePrefix) && queuePrefixForm.test(queuePrefix))
      ? []
      : ['queuePrefix is no name in braces, such as {idscan-ledger}']),
    ...(maxConnections === undefined || (Number.isSafeInteger(maxConnections) && Number(maxConnections) > 0)
      ? []
      : ['maxConnections is no whole number from 1']),
    ...(idScan === undefined || hasKey(idScan) ? [] : ['idScan has no keyId and keySecret']),
    ...(caller === undefined || (isText(caller) && isReference(caller))
      ? []
      : ['caller is not 1 to 64 of A-Z a-z 0-9 . _ : -']),
  ];
  if (problems.length > 0)
    throw new LedgerError('config_invalid', `The producer cannot be opened: ${problems.join('; ')}.`, {
      hint: 'Give openProducer what workers have in DATABASE_URL, REDIS_URL and QUEUE_PREFIX.',
    });
  return options;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

const hasKey = (idScan: unknown): boolean =>
  typeof idScan === 'object' &&
  idScan !== null &&
  'keyId' in idScan &&
  'keySecret' in idScan &&
  isText(idScan.keyId) &&
  isText(idScan.keySecret);
