import { clearOfOne } from '../../db/clear-files.ts';
import { earlierTime } from '../../db/earlier-time.ts';
import { unorderedErasures } from '../../db/erasure-orders.ts';
import { destroyKeys, dueErasures, type Erasure, finishErasure, markLookedAgain } from '../../db/erasures.ts';
import { clearName, transactionPrefix } from '../../store/layout.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Context } from '../context.ts';
import { writeCancellation, writeOrder } from './orders.ts';

/** A worker that was about to store a document has done so, or is dead, after this long. */
const lookAgainAfterMs = 3_600_000;
const batchSize = 200;

/**
 * Carries out the erasures whose time has come, a bounded batch. Each step may be repeated: whatever it is broken off
 * by, the next call goes on with it. An hour after the destruction it looks once more for what a worker may have stored
 * in the meantime.
 *
 * @returns how many were carried out.
 * @throws LedgerError `storage_failed`, `database_unavailable`
 */
export async function carryOutErasures(
  context: Pick<Context, 'db' | 'now'>,
  store: ObjectStore,
  signal?: AbortSignal,
): Promise<number> {
  const { kysely } = context.db;
  for (const erasure of await unorderedErasures(kysely, batchSize)) {
    if (signal?.aborted) return 0;
    await (erasure.cancelledAt === null ? writeOrder : writeCancellation)(context, store, erasure);
  }
  const now = await earlierTime(kysely, context.now());
  const lookAgainBefore = new Date(now.getTime() - lookAgainAfterMs);
  let destroyed = 0;
  for (const erasure of await dueErasures(kysely, { now, lookAgainBefore, limit: batchSize })) {
    if (signal?.aborted) break;
    if (erasure.destroyedAt !== null) await lookAgain(context, store, erasure);
    else if (await destroy(context, store, erasure)) destroyed += 1;
  }
  return destroyed;
}

/**
 * Destroys a transaction's documents: first the keys, so that nothing can be read, then the objects, then what the books
 * say of them.
 *
 * @returns `false` if the erasure was cancelled, or is held.
 */
export async function destroy({ db }: Pick<Context, 'db'>, store: ObjectStore, erasure: Erasure): Promise<boolean> {
  if (!(await destroyKeys(db, erasure))) return false;
  await removeObjects(db.kysely, store, erasure.transactionId);
  await finishErasure(db, erasure);
  return true;
}

async function lookAgain({ db }: Pick<Context, 'db'>, store: ObjectStore, erasure: Erasure): Promise<void> {
  await removeObjects(db.kysely, store, erasure.transactionId);
  await markLookedAgain(db.kysely, erasure.id);
}

/** Removes every object of a transaction, whether or not the books know it, with all versions. */
async function removeObjects(db: Context['db']['kysely'], store: ObjectStore, transactionId: string): Promise<void> {
  for (const hash of await clearOfOne(db, transactionId)) await store.remove(clearName(hash));
  for await (const { name } of store.list(transactionPrefix(transactionId), { everyVersion: true }))
    await store.remove(name);
}
