import { withNamedLock } from '../../db/report-runs.ts';
import type { Documents, VendorContext } from '../context.ts';
import { carryOutErasures } from './destroy.ts';
import { type Failures, note } from './each.ts';
import { keepHoldCopies } from './hold-copies.ts';
import { lookAgain } from './look-again.ts';
import { replayOrders } from './orders.ts';
import { keepRetention, newRounds } from './retention.ts';
import { takeOverClear } from './take-over.ts';

/** What one round of custody did. */
export type CustodyRound = {
  /** Orders, and cancellations, that were written into the store. */
  readonly ordered: number;
  readonly erased: number;
  readonly lookedAgain: number;
  readonly retired: number;
  readonly encrypted: number;
  /** Whether retention has not come through all transactions yet. */
  readonly isUnfinished: boolean;
  /** What it could not do. */
  readonly failures: readonly Error[];
};

/** Whether a round found so much to do that the next one should follow at once. */
export const isBusy = (round: CustodyRound | undefined): boolean =>
  round !== undefined && (round.isUnfinished || hasDone(round));

const hasDone = ({ ordered, erased, lookedAgain, retired, encrypted }: Omit<CustodyRound, 'failures'>): boolean =>
  ordered + erased + lookedAgain + retired + encrypted > 0;

/** Runs `work` while no other process destroys documents. @returns `undefined` if one does. */
export const withCustody = <T>({ db }: Pick<VendorContext, 'db'>, work: () => Promise<T>): Promise<T | undefined> =>
  withNamedLock(db, 'custody', work);

/**
 * How long lost orders may stay unknown, as a database may be restored while workers run; and what killed workers left
 * half written may lie there once it is old.
 */
const replayMs = 300_000;

/**
 * What workers do for custody from time to time, one process at a time: replay orders, remove what was never finished,
 * keep copies of holds, carry out erasures, keep to retention, look once more for what was destroyed, and encrypt what
 * earlier versions stored in the clear. What fails keeps the rest from nothing.
 *
 * @returns a function that does a round. It resolves to `undefined` if another process is at it.
 */
export function custodyRounds(
  context: VendorContext,
  documents: Documents,
): (signal: AbortSignal) => Promise<CustodyRound | undefined> {
  const rounds = newRounds();
  const { log } = context;
  const { store } = documents;
  let replayedAtMs = -Infinity;
  return (signal) =>
    withCustody(context, async () => {
      const failures: Failures = [];
      const step = <T>(work: () => Promise<T>): Promise<T | undefined> =>
        work().catch((error: unknown) => {
          note(failures, error);
          return undefined;
        });
      if (performance.now() - replayedAtMs >= replayMs) {
        await step(() => store.removeStale(Date.now()));
        const replayed = await step(() => replayOrders(context, store));
        if (replayed !== undefined) replayedAtMs = performance.now();
        if (replayed) log.warn({ replayed }, 'orders to erase that the books had lost are carried out again');
      }
      const held = await step(() => keepHoldCopies(context, store, failures));
      if (held) log.warn({ held }, 'legal holds that the books had lost are in force again');
      // While it is not known what is held, nothing is destroyed.
      const areHoldsKnown = held !== undefined;
      const erasures = areHoldsKnown ? await step(() => carryOutErasures(context, store, failures, signal)) : undefined;
      const retired = areHoldsKnown
        ? await step(() => keepRetention(context, store, rounds, failures, signal))
        : undefined;
      const lookedAgain = areHoldsKnown ? await step(() => lookAgain(context, store, failures, signal)) : undefined;
      const encrypted = await step(() => takeOverClear(context, documents, failures, signal));
      const { ordered = 0, erased = 0 } = erasures ?? {};
      const [again, gone, taken] = [lookedAgain ?? 0, retired ?? 0, encrypted ?? 0];
      const isUnfinished = retired !== undefined && Object.values(rounds).some((one) => one.isUnfinished);
      const done = { ordered, erased, lookedAgain: again, retired: gone, encrypted: taken, isUnfinished };
      const round = { ...done, failures };
      if (hasDone(round)) log.info({ ...done, failed: failures.length }, 'custody of stored documents');
      return round;
    });
}
