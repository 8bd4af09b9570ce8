import { databaseReadiness, notReady } from '../db/readiness.ts';
import { sayDatabaseNewer } from '../jobs/database-away.ts';
import { errorCode, type ErrorCode, LedgerError } from '../errors.ts';
import type { Documents, QueueContext } from '../jobs/context.ts';
import { sharedCheck } from '../jobs/queue/shared-check.ts';
import { ensureMastersInUse } from '../store/encryption/masters.ts';
import { checkOpenStore } from '../store/open.ts';

/** The sweep runs every 2 s. If none succeeds for this long, jobs that Redis lost are not put back. */
const sweptWithinMs = 60_000;

type Storing = Pick<QueueContext, 'db'> & { readonly documents: Documents };

/** @throws LedgerError if documents cannot be stored: what is wrong with the store, or with the masters. */
export async function checkStoring({ db, documents }: Storing): Promise<void> {
  await checkOpenStore(documents.store);
  await ensureMastersInUse(db, documents.masters);
}

/**
 * Why the document store cannot be used; `null` = it can. A store that does not answer in time has failed. Whether the
 * masters are those in use Postgres knows: while it is away, that is not the store's failure.
 */
export function storeCheck({ db, documents }: Storing): () => Promise<ErrorCode | null> {
  const store = sharedCheck<ErrorCode | null>(
    () =>
      checkOpenStore(documents.store).then(
        () => null,
        (error: unknown) => (error instanceof LedgerError ? error.code : 'storage_failed'),
      ),
    'storage_failed',
  );
  const masters = sharedCheck<ErrorCode | null>(
    () =>
      ensureMastersInUse(db, documents.masters).then(
        () => null,
        (error: unknown) => (errorCode(error) === 'master_mismatch' ? 'master_mismatch' : null),
      ),
    null,
  );
  return async () => (await store()) ?? masters();
}

/**
 * Whether this process can do its work, by what the work needs.
 *
 * @param storeError why it cannot use its document store, if it fetches files.
 * @param sweptAtMs when a sweep last succeeded, by the clock of `performance`.
 */
export function workerChecks(
  { db, redisHealth, log }: Pick<QueueContext, 'db' | 'redisHealth' | 'log'>,
  storeError: (() => Promise<ErrorCode | null>) | undefined,
  sweptAtMs: () => number,
) {
  const database = sharedCheck(async () => {
    const readiness = await databaseReadiness(db);
    if (readiness.isNewer) sayDatabaseNewer(log);
    return readiness;
  }, notReady);
  return {
    postgres: async () => (await database()).postgres,
    migrations: async () => (await database()).migrations,
    redis: redisHealth.isUsable,
    ...(storeError ? { documents: async () => (await storeError()) === null } : {}),
    work: () => Promise.resolve(performance.now() - sweptAtMs() < sweptWithinMs),
  };
}
