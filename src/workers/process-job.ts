import { asDatabaseError, isDatabaseAway } from '../db/errors.ts';
import {
  failObligation,
  forgiveStarts,
  type ObligationEnd,
  type ObligationKey,
  type Started,
  withUnfinishedStarts,
} from '../db/obligations.ts';
import type { ObligationKind } from '../db/schema.ts';
import { errorTable } from '../error-table.ts';
import { errorCode, LedgerError } from '../errors.ts';
import type { VendorContext } from '../jobs/context.ts';
import { sayDatabaseAway } from '../jobs/database-away.ts';
import type { Meter } from '../jobs/queue/meter.ts';
import { backoffMs, leaseMs, maxAttempts, maxStarts, maxStartsInCompany, parseWake } from '../jobs/queue/queues.ts';
import type { Breaker } from './breaker.ts';
import type { Isolation } from './isolation.ts';
import type { StoreTrouble, StoreWatch } from './store-watch.ts';
import type { Tally } from './tally.ts';
import { GivenUp, TryAgain } from './try-again.ts';

/** Does the work of an obligation, and records its end in Postgres. */
export type Perform = (
  context: VendorContext,
  transactionId: string,
  started: Started,
) => Promise<ObligationEnd['end']>;

/** What all workers of a process share. */
export type WorkerState = {
  readonly tally: Tally;
  readonly meter: Meter;
  readonly breaker: Breaker;
  readonly isolation: Isolation;
  readonly store: StoreWatch;
  /** Obligations whose work ended while Postgres was away. Recorded once Postgres is back. */
  readonly unnotedEnds: ObligationKey[];
  /** Since when every job of a kind has failed because Postgres is away or refuses it. */
  readonly databaseAway: Map<ObligationKind, DatabaseAway>;
};

export type DatabaseAway = { readonly error: Error; readonly sinceMs: number };

/**
 * Turns a job into work on obligations: starts those of its kinds that are due in Postgres, performs them concurrently,
 * and records each failure in Postgres before it ends the job.
 */
export function jobProcessor(
  context: VendorContext,
  kinds: readonly ObligationKind[],
  performs: Readonly<Record<ObligationKind, Perform>>,
  state: WorkerState,
): (job: { readonly data: unknown }) => Promise<void> {
  return async (job) => {
    const { transactionId, generation } = parseWake(job.data);
    const begin = (wanted: readonly ObligationKind[], maxUnfinished: number | null) => async () => {
      const request = { transactionId, kinds: wanted, generation, maxUnfinished };
      const started = await forgiving(context, request, state, () => context.writes.start(request));
      const works = Array.from(started, ([kind, start]) =>
        forgiving(context, { transactionId, kinds: [kind] }, state, () =>
          run(context, { transactionId, kind }, start, performs[kind], state),
        ),
      );
      const ends = await Promise.allSettled(works);
      return {
        failures: ends.flatMap((end) => (end.status === 'rejected' ? [asDatabaseError(end.reason)] : [])),
        left: wanted.filter((kind) => !started.has(kind)),
      };
    };
    const { left, failures } = await state.isolation.shared(begin(kinds, maxStartsInCompany));
    const suspects =
      left.length > 0
        ? await withUnfinishedStarts(context.db.kysely, { transactionId, kinds: left, generation }, maxStartsInCompany)
        : [];
    // One at a time, or harmless obligations would be given up together with the one that kills workers.
    for (const kind of suspects) failures.push(...(await state.isolation.exclusive(begin([kind], null))).failures);
    const [decisive] = failures.sort((a, b) => returnsAfterMs(b) - returnsAfterMs(a));
    if (decisive) throw decisive;
  };
}

/**
 * Forgives starts when Postgres is away: the worker did not die of them. Also forgives a start that failed itself,
 * because Postgres may have counted it and lost the response.
 */
async function forgiving<T>(
  { db, log }: VendorContext,
  { transactionId, kinds }: { readonly transactionId: string; readonly kinds: readonly ObligationKind[] },
  { unnotedEnds, databaseAway }: WorkerState,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const error = asDatabaseError(thrown);
    const keys = kinds.map((kind) => ({ transactionId, kind }));
    if (isDatabaseAway(error)) {
      sayDatabaseAway(log, error);
      for (const kind of kinds)
        databaseAway.set(kind, { error, sinceMs: performance.now(), ...databaseAway.get(kind) });
      await forgiveStarts(db.kysely, keys).catch(() => unnotedEnds.push(...keys));
    }
    throw error;
  }
}

/**
 * The failure with the longest delay decides how a job ends, so that no obligation comes back too early. One that is
 * given up does not keep the others from being tried again.
 */
function returnsAfterMs(failure: Error): number {
  if (failure instanceof TryAgain) return failure.delayMs;
  return failure instanceof GivenUp ? -1 : 0;
}

async function run(
  context: VendorContext,
  key: ObligationKey,
  started: Started,
  perform: Perform,
  state: WorkerState,
): Promise<void> {
  const { tally, breaker } = state;
  const beganAtMs = state.store.now();
  const log = context.log.child({ ...key });
  try {
    if (started.starts > maxStarts)
      throw new LedgerError('worker_died', `This job's worker died ${maxStarts} times in a row.`, {
        hint: 'Look for what kills it, then reprocess the transaction.',
      });
    const end = await perform(context, key.transactionId, started);
    breaker.answered();
    state.databaseAway.delete(key.kind);
    tally.count(key.kind, end);
    log.debug({ end }, 'obligation ended');
  } catch (thrown) {
    const error = asDatabaseError(thrown);
    if (isDatabaseAway(error)) throw error;
    const trouble = await state.store.failed(error, beganAtMs);
    if (trouble) await putOff(context, key, started, trouble, { ...state, log });
    await settleFailure(context, key, started, error, { ...state, log });
  }
}

/** Puts off work that cannot be done without the document store, without using up an attempt. */
async function putOff(
  context: VendorContext,
  key: ObligationKey,
  started: Started,
  { error, pauseMs }: StoreTrouble,
  { tally, meter, log }: WorkerState & { log: VendorContext['log'] },
): Promise<never> {
  const { code } = error;
  await failObligation(context.db.kysely, key, started.fence, {
    code,
    counts: false,
    final: false,
    maxAttempts,
    sweepAfterMs: pauseMs + leaseMs,
  });
  tally.count(key.kind, 'retried', code);
  meter.retried(key.kind, code);
  // The store watch has logged the cause, once for all jobs.
  log.debug({ code, pauseMs }, 'waits for the document store');
  throw new TryAgain(pauseMs, { counts: false, cause: error });
}

async function settleFailure(
  context: VendorContext,
  key: ObligationKey,
  started: Started,
  error: Error,
  { tally, meter, breaker, log }: WorkerState & { log: VendorContext['log'] },
): Promise<never> {
  const { kind } = key;
  const code = errorCode(error);
  const outagePauseMs = breaker.failed(code);
  const pauseMs = code === 'vendor_rate_limited' ? retryAfterMs(error) : outagePauseMs;
  const jobEnd = pauseMs === undefined ? errorTable[code].job : 'later';
  const delayMs = pauseMs ?? retryAfterMs(error) ?? backoffMs(started.attemptsMade + 1);
  const state = await failObligation(context.db.kysely, key, started.fence, {
    code,
    counts: jobEnd !== 'later',
    final: jobEnd === 'never',
    maxAttempts,
    sweepAfterMs: delayMs + leaseMs,
  });
  if (state === 'failed') {
    tally.count(kind, 'failed', code);
    log.error({ err: error, code, attempts: started.attemptsMade + 1 }, 'obligation failed');
    throw new GivenUp(code);
  }
  tally.count(kind, 'retried', code);
  meter.retried(kind, code);
  // All jobs of a process share one Redis and would all log the same.
  if (code === 'queue_unavailable') context.onRedisTrouble(error);
  else log.warn({ err: error, code, attempt: started.attemptsMade + 1, delayMs }, 'will be tried again');
  if (pauseMs !== undefined) {
    meter.paused(code === 'vendor_rate_limited' ? 'rate_limited' : 'outage', pauseMs);
    await context.queues.pauseVendorCalls(pauseMs);
  }
  throw new TryAgain(delayMs, { counts: pauseMs === undefined, cause: error });
}

/** How long the vendor asked us to wait, if it did. */
function retryAfterMs(error: Error): number | undefined {
  const value = error instanceof LedgerError ? error.fields['retryAfterMs'] : undefined;
  return typeof value === 'number' ? value : undefined;
}
