import { forgetExpiredAddresses } from '../db/creations.ts';
import { asDatabaseError } from '../db/errors.ts';
import { forgiveStarts, type ObligationKey } from '../db/obligations.ts';
import { errorCode } from '../errors.ts';
import type { NotifyingContext, VendorContext } from '../jobs/context.ts';
import { custodyRounds, isBusy } from '../jobs/custody/custody-round.ts';
import { ensureMastersInUse } from '../store/encryption/masters.ts';
import { recheckSettled } from '../jobs/fetch/recheck-settled.ts';
import { noteRules } from '../jobs/month/closed-months.ts';
import { scheduleReports } from '../jobs/month/schedule-reports.ts';
import { sweep } from '../jobs/queue/sweep.ts';
import type { WorkerState } from './process-job.ts';
import { type Repeat, repeating } from './repeat.ts';

const sweepIntervalMs = 2_000;
const scheduleIntervalMs = 60_000;
const notifyIntervalMs = 10_000;
const custodyIntervalMs = 30_000;
const evictionIntervalMs = 10_000;

type Loops = {
  readonly isBatch: boolean;
  readonly stopping: AbortSignal;
  /** Aborted once settled transactions have been looked for. */
  readonly rechecked: AbortController;
  /** Aborted once a batch run has nothing left to do for custody. */
  readonly keptCustody: AbortController;
  readonly swept: (work: Awaited<ReturnType<typeof sweep>>) => void;
};

/** Starts the periodic tasks of a worker process. Each ends after `stopping`. */
export function startLoops(
  context: VendorContext,
  state: WorkerState,
  { isBatch, stopping, rechecked, keptCustody, swept }: Loops,
): Promise<void>[] {
  const repeat = repeating(context);
  const noted = new AbortController();
  const loops = [
    repeat('note of the rules', sweepIntervalMs, AbortSignal.any([stopping, noted.signal]), async () => {
      await noteRules(context);
      noted.abort();
    }),
    repeat('sweep', sweepIntervalMs, stopping, async () => {
      await noteEnds(context, state.unnotedEnds);
      swept(await sweep(context, stopping));
    }),
    repeat('addresses that have expired', scheduleIntervalMs, stopping, () =>
      forgetExpiredAddresses(context.db.kysely, context.now()),
    ),
    rechecking(context, repeat, isBatch, { stopping, rechecked }),
    custody(context, state, repeat, isBatch, { stopping, keptCustody }),
  ];
  if (isBatch) return loops;
  return [
    ...loops,
    repeat("check of Redis' eviction policy", evictionIntervalMs, stopping, context.redisHealth.checkEviction),
    repeat('report schedule', scheduleIntervalMs, stopping, () => scheduleReports(context)),
    notifying(context, repeat, stopping).catch((error: unknown) => {
      context.log.error({ err: error, code: errorCode(error) }, 'nobody is notified until the next start');
    }),
  ];
}

/** These starts did not kill their worker: their end only could not be recorded. */
async function noteEnds({ db }: VendorContext, unnoted: ObligationKey[]): Promise<void> {
  const ended = [...unnoted];
  if (ended.length > 0) await forgiveStarts(db.kysely, ended);
  unnoted.splice(0, ended.length);
}

/** A batch run rechecks settled transactions once, and is not idle before that. */
const rechecking = (
  context: VendorContext,
  repeat: Repeat,
  isBatch: boolean,
  { stopping, rechecked }: { stopping: AbortSignal; rechecked: AbortController },
): Promise<void> =>
  repeat(
    'recheck of settled transactions',
    scheduleIntervalMs,
    isBatch ? AbortSignal.any([stopping, rechecked.signal]) : stopping,
    () => recheckSettled(context, stopping).finally(() => rechecked.abort()),
  );

/** A batch run goes on until there is nothing left to do, and is not idle before that. */
async function custody(
  context: VendorContext,
  { store }: WorkerState,
  repeat: Repeat,
  isBatch: boolean,
  { stopping, keptCustody }: { stopping: AbortSignal; keptCustody: AbortController },
): Promise<void> {
  if (!context.documents) {
    keptCustody.abort();
    return;
  }
  const { masters } = context.documents;
  const round = custodyRounds(context, context.documents);
  const until = isBatch ? AbortSignal.any([stopping, keptCustody.signal]) : stopping;
  await repeat('custody of documents', custodyIntervalMs, until, async () => {
    try {
      // Files wait where the masters were changed since the start. What has to go goes all the same.
      await ensureMastersInUse(context.db, masters).catch((error: unknown) =>
        store.failed(asDatabaseError(error), store.now()),
      );
      let done;
      do done = await round(stopping);
      while (isBusy(done) && !stopping.aborted);
      const [first] = done?.failures ?? [];
      if (first) throw first;
    } finally {
      keptCustody.abort();
    }
  });
}

/** Separate loops: a receiver that hangs does not delay new messages, and a failing check does not delay deliveries. */
async function notifying(context: VendorContext, repeat: Repeat, signal: AbortSignal): Promise<void> {
  const { notifications } = context;
  if (!notifications) return;
  const teller: NotifyingContext = { ...context, notifications };
  const { checkThresholds, noteReports } = await import('../jobs/notify/check-notifications.ts');
  const { deliverNotifications } = await import('../jobs/notify/deliver-notifications.ts');
  await Promise.all([
    repeat('notifications of reports', notifyIntervalMs, signal, () => noteReports(teller)),
    repeat('check of thresholds', notifyIntervalMs, signal, () => checkThresholds(teller)),
    repeat('delivery of notifications', notifyIntervalMs, signal, () => deliverNotifications(teller, signal)),
  ]);
}
