import { clearOfOne } from '../../db/clear-files.ts';
import { earlierTime } from '../../db/earlier-time.ts';
import { unorderedErasures } from '../../db/erasure-orders.ts';
import { destroyKeys, dueErasures, type Erasure, finishErasure } from '../../db/erasures.ts';
import type { FileKind } from '../../db/files.ts';
import { clearName, kindPrefix, transactionPrefix } from '../../store/layout.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Context } from '../context.ts';
import { each, type Failures } from './each.ts';
import { writeCancellation, writeOrder } from './orders.ts';

const batchSize = 200;

/** What was done for erasures: orders written, and transactions erased. */
type CarriedOut = { readonly ordered: number; readonly erased: number };

/**
 * Carries out the erasures whose time has come, a bounded batch: the keys of all of them first, then their objects. Each
 * step may be repeated: whatever it is broken off by, the next call goes on with it.
 *
 * @param failures what could not be done is added; the other erasures are carried out.
 * @throws LedgerError `database_unavailable`
 */
export async function carryOutErasures(
  context: Pick<Context, 'db' | 'now'>,
  store: ObjectStore,
  failures: Failures,
  signal?: AbortSignal,
): Promise<CarriedOut> {
  const { db } = context;
  const batch = { failures, signal };
  const ordered = await each(await unorderedErasures(db.kysely, batchSize), batch, async (erasure) => {
    await (erasure.cancelledAt === null ? writeOrder : writeCancellation)(context, store, erasure);
    return true;
  });
  const now = await earlierTime(db.kysely, context.now());
  const unreadable: Erasure[] = [];
  await each(await dueErasures(db.kysely, now, batchSize), batch, async (erasure) => {
    const isDestroyed = await destroyKeys(db, erasure);
    if (isDestroyed) unreadable.push(erasure);
    return isDestroyed;
  });
  const erased = await each(unreadable, batch, async (erasure) => {
    await removeObjects(db.kysely, store, erasure.transactionId);
    await finishErasure(db, erasure);
    return true;
  });
  return { ordered, erased };
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

/**
 * Removes every object of a transaction, whether or not the books know it, with all versions.
 *
 * @param kind only those of that kind.
 */
export async function removeObjects(
  db: Context['db']['kysely'],
  store: ObjectStore,
  transactionId: string,
  kind?: FileKind,
): Promise<void> {
  for (const hash of await clearOfOne(db, transactionId, kind)) await store.remove(clearName(hash));
  await store.removeUnder(kind === undefined ? transactionPrefix(transactionId) : kindPrefix(transactionId, kind));
}
