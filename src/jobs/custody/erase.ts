import { earlierTime } from '../../db/earlier-time.ts';
import {
  cancelErasure,
  type Erasure,
  erasuresOf,
  markToLookAgain,
  type Requested,
  requestErasures,
} from '../../db/erasures.ts';
import { holdsOf } from '../../db/holds.ts';
import { LedgerError } from '../../errors.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Context } from '../context.ts';
import { withCustody } from './custody-round.ts';
import { destroy } from './destroy.ts';
import { keepHoldCopies } from './hold-copies.ts';
import { writeCancellation, writeHaste, writeOrder } from './orders.ts';

const dayMs = 86_400_000;

export type EraseWish = {
  readonly requestedBy: string;
  readonly reason: string;
  /** Skips the delay: destroyed at once. */
  readonly isNow: boolean;
};

/** What became of one transaction. `destroyed`: at once, because it was wished so. */
export type Erased = Requested & { readonly isDestroyed: boolean };

/** As many are closed in one database transaction. */
const batchSize = 500;

/**
 * Closes transactions' documents, so that nobody reads them, and orders their destruction. The order is in Postgres and
 * in the store before anything else is done.
 *
 * @param openStore is called once all of them are closed. `undefined` = the books know no store yet, and the first worker
 *   goes on.
 * @throws LedgerError `storage_failed`; what is closed by then stays closed, and workers go on with it.
 */
export async function erase(
  context: Context,
  openStore: () => Promise<ObjectStore | undefined>,
  transactionIds: readonly string[],
  { requestedBy, reason, isNow }: EraseWish,
): Promise<Erased[]> {
  const destroyAt = isNow
    ? await earlierTime(context.db.kysely, context.now())
    : new Date(context.now().getTime() + context.config.custody.erasureDelayDays * dayMs);
  const requested: Requested[] = [];
  for (let from = 0; from < transactionIds.length; from += batchSize) {
    const batch = transactionIds.slice(from, from + batchSize);
    requested.push(...(await requestErasures(context.db, batch, { requestedBy, reason, destroyAt })));
  }
  // Whoever orders it need not wait for a store that is away: workers go on once it is back.
  const store = await openStore();
  if (!store) return requested.map((one) => ({ ...one, isDestroyed: false }));
  // Of restored books only the store may know what is held. What cannot be written there is held all the same.
  if (isNow) await keepHoldCopies(context, store, []);
  const erased: Erased[] = [];
  for (const one of requested) {
    const isHeld = one.isHeld || (isNow && (await isHeldBy(context.db.kysely, one.transactionId)));
    const now = { ...one, isHeld };
    erased.push({ ...now, isDestroyed: await carryOut(context, store, now, isNow) });
  }
  return erased;
}

const isHeldBy = async (db: Context['db']['kysely'], transactionId: string): Promise<boolean> =>
  (await holdsOf(db, transactionId)).some(({ releasedAt }) => releasedAt === null);

async function carryOut(context: Context, store: ObjectStore, one: Requested, isNow: boolean): Promise<boolean> {
  if (one.erasureId === null) return false;
  const [erasure] = await erasuresOf(context.db.kysely, one.erasureId);
  if (!erasure) return false;
  // A backup of the store may have brought back what was destroyed, and not the order.
  const isDestroyed = one.answer === 'already_destroyed';
  if (isDestroyed) await markToLookAgain(context.db, erasure);
  if (erasure.orderedAt === null || isDestroyed) await writeOrder(context, store, erasure);
  if (isNow && one.answer === 'already_closed') await writeHaste(store, erasure);
  if (!isDestroyed && (!isNow || one.isHeld)) return false;
  // Another process at work carries it out: its time has come.
  return (await withCustody(context, () => destroy(context, store, erasure))) ?? isDestroyed;
}

/**
 * Cancels the erasure of a transaction's documents, also while the store is away: workers tell it.
 *
 * @param openStore is called once it is cancelled. `undefined` = the books know none yet, and the first worker writes it
 *   there.
 * @throws LedgerError `blocked` if there is none to cancel, or it is too late; `storage_failed`, where it is cancelled
 */
export async function cancel(
  context: Context,
  openStore: () => Promise<ObjectStore | undefined>,
  transactionId: string,
  by: { readonly cancelledBy: string; readonly reason: string },
): Promise<Erasure> {
  const cancelled = await cancelErasure(context.db.kysely, transactionId, by);
  if (cancelled) {
    const store = await openStore();
    if (store) await writeCancellation(context, store, cancelled);
    return cancelled;
  }
  const last = (await erasuresOf(context.db.kysely, transactionId)).at(-1);
  throw new LedgerError(
    'blocked',
    last === undefined || last.cancelledAt !== null
      ? `No erasure of ${transactionId} is ordered.`
      : `The documents of ${transactionId} are destroyed, and nobody can bring them back.`,
    { fields: { transactionId }, hint: 'erase --receipt tells what was done.' },
  );
}
