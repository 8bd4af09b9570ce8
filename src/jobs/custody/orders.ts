import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import {
  cancelErasure,
  type Erasure,
  erasuresOf,
  markOrdered,
  type Order,
  takeOrdersOver,
  unknownErasures,
} from '../../db/erasures.ts';
import { errorCode, LedgerError } from '../../errors.ts';
import { cancellationName, erasureIn, erasuresPrefix, orderName } from '../../store/layout.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Context } from '../context.ts';

const order = z.object({
  erasure: z.uuid(),
  transaction: z.string().min(1),
  requested_at: z.iso.datetime(),
  destroy_at: z.iso.datetime(),
});

/**
 * Writes the order to erase into the store, so that it survives a restore of an older database. It says nothing of a
 * person but the transaction's ID.
 *
 * @throws LedgerError `storage_failed`, `storage_full`
 */
export async function writeOrder(
  { db }: Pick<Context, 'db'>,
  store: ObjectStore,
  { id, transactionId, requestedAt, destroyAt }: Erasure,
): Promise<void> {
  const said: z.input<typeof order> = {
    erasure: id,
    transaction: transactionId,
    requested_at: requestedAt.toISOString(),
    destroy_at: destroyAt.toISOString(),
  };
  await putOnce(store, orderName(id), said);
  await markOrdered(db.kysely, id);
}

/** Writes into the store that an order is cancelled. */
export const writeCancellation = (store: ObjectStore, { id }: Erasure): Promise<void> =>
  putOnce(store, cancellationName(id), { erasure: id });

async function putOnce(store: ObjectStore, name: string, said: object): Promise<void> {
  try {
    await store.put(name, (sink) => sink(Buffer.from(`${JSON.stringify(said)}\n`)));
  } catch (error) {
    // A worker that was killed has written it.
    if (errorCode(error) !== 'storage_conflict') throw error;
  }
}

const batchSize = 500;

/**
 * Takes over what the store's orders say and the books do not know: these were restored from a backup older than the
 * orders. Erasing then goes on as if it had never been broken off. Workers do this at their start, before any other work.
 *
 * @returns how many orders were taken over.
 * @throws LedgerError `storage_failed`; `store_mismatch` for an order that cannot be read
 */
export async function replayOrders({ db }: Pick<Context, 'db'>, store: ObjectStore): Promise<number> {
  let taken = 0;
  let found = new Set<string>();
  const cancelled = new Set<string>();
  const take = async (): Promise<void> => {
    const unknown = (await unknownErasures(db.kysely, [...found])).filter((id) => !cancelled.has(id));
    for (const id of unknown) {
      await takeOrdersOver(db.kysely, [await readOrder(store, id)]);
      taken += 1;
    }
    found = new Set();
  };
  for await (const { name } of store.list(erasuresPrefix)) {
    const erasure = erasureIn(name);
    if (!erasure) continue;
    if (erasure.isCancellation) cancelled.add(erasure.id);
    else found.add(erasure.id);
    if (found.size === batchSize) await take();
  }
  await take();
  for (const id of cancelled) await cancelRestored(db.kysely, id);
  return taken;
}

/** An order that was cancelled after the backup was made is not carried out after its restore. */
async function cancelRestored(db: Context['db']['kysely'], id: string): Promise<void> {
  for (const { transactionId, cancelledAt, keysDestroyedAt } of await erasuresOf(db, id))
    if (cancelledAt === null && keysDestroyedAt === null)
      await cancelErasure(db, transactionId, { cancelledBy: 'restored', reason: 'cancelled in the document store' });
}

async function readOrder(store: ObjectStore, id: string): Promise<Order> {
  const text = await buffer(await store.get(orderName(id)));
  const read = order.safeParse(parsed(text.toString('utf8')));
  if (!read.success || read.data.erasure !== id)
    throw new LedgerError('store_mismatch', `The order ${orderName(id)} in the document store cannot be read.`, {
      fields: { name: orderName(id) },
      hint: 'Restore it from a backup of the store, or remove it if no such erasure was ever ordered.',
    });
  const { transaction, requested_at, destroy_at } = read.data;
  return { id, transactionId: transaction, requestedAt: new Date(requested_at), destroyAt: new Date(destroy_at) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
