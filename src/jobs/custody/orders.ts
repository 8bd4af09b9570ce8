import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import { cancelRestored, markOrdered, type Order, takeOrderOver, unknownErasures } from '../../db/erasure-orders.ts';
import type { Erasure } from '../../db/erasures.ts';
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
export async function writeOrder({ db }: Pick<Context, 'db'>, store: ObjectStore, erasure: Erasure): Promise<void> {
  const { id, transactionId, requestedAt, destroyAt } = erasure;
  const said: z.input<typeof order> = {
    erasure: id,
    transaction: transactionId,
    requested_at: requestedAt.toISOString(),
    destroy_at: destroyAt.toISOString(),
  };
  await putOnce(store, orderName(id), said);
  await markOrdered(db.kysely, erasure);
}

/** Writes into the store that an order is cancelled. */
export async function writeCancellation(
  { db }: Pick<Context, 'db'>,
  store: ObjectStore,
  erasure: Erasure,
): Promise<void> {
  await putOnce(store, cancellationName(erasure.id), { erasure: erasure.id });
  await markOrdered(db.kysely, erasure);
}

/** Writes an object that another process may have written already. */
export async function putOnce(store: ObjectStore, name: string, said: object): Promise<void> {
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
 * orders. Erasing then goes on as if it had never been broken off. Workers do this at their start, before any other work,
 * and every few minutes.
 *
 * @returns how many orders were taken over.
 * @throws LedgerError `storage_failed`; `store_mismatch` for an order that cannot be read, after all others were
 */
export async function replayOrders({ db }: Pick<Context, 'db'>, store: ObjectStore): Promise<number> {
  const cancelled = new Set<string>();
  const unknown: string[] = [];
  let found = new Set<string>();
  const look = async (): Promise<void> => {
    if (found.size > 0) unknown.push(...(await unknownErasures(db.kysely, [...found])));
    found = new Set();
  };
  for await (const { name } of store.list(erasuresPrefix)) {
    const erasure = erasureIn(name);
    if (!erasure) continue;
    (erasure.isCancellation ? cancelled : found).add(erasure.id);
    if (found.size === batchSize) await look();
  }
  await look();
  // First, because of one transaction only one order can be open: a cancelled one would keep a later one out.
  if (cancelled.size > 0) await cancelRestored(db.kysely, [...cancelled]);
  const lost = unknown.filter((id) => !cancelled.has(id));
  let taken = 0;
  let unreadable: string | undefined;
  for (const id of lost) {
    const order = await readOrder(store, id);
    if (order) await takeOrderOver(db, order);
    if (order) taken += 1;
    else unreadable ??= orderName(id);
  }
  if (unreadable !== undefined) throw orderUnreadable(unreadable);
  return taken;
}

/** What an order says; `undefined` = it cannot be read. */
async function readOrder(store: ObjectStore, id: string): Promise<Order | undefined> {
  const text = await buffer(await store.get(orderName(id)));
  const read = order.safeParse(parsed(text.toString('utf8')));
  if (!read.success || read.data.erasure !== id) return undefined;
  const { transaction, requested_at, destroy_at } = read.data;
  return { id, transactionId: transaction, requestedAt: new Date(requested_at), destroyAt: new Date(destroy_at) };
}

const orderUnreadable = (name: string): LedgerError =>
  new LedgerError('store_mismatch', `The order ${name} in the document store cannot be read.`, {
    fields: { name },
    hint: 'Restore it from a backup of the store, or remove it if no such erasure was ever ordered.',
  });

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
