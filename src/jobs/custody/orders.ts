import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import {
  cancelRestored,
  hasten,
  markOrdered,
  openErasures,
  type Order,
  takeOrderOver,
  unknownErasures,
} from '../../db/erasure-orders.ts';
import type { Erasure } from '../../db/erasures.ts';
import { errorCode, LedgerError } from '../../errors.ts';
import { cancellationName, erasureIn, erasuresPrefix, hasteName, orderName } from '../../store/layout.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Context } from '../context.ts';

const order = z.object({
  erasure: z.uuid(),
  transaction: z.string().min(1),
  requested_at: z.iso.datetime(),
  destroy_at: z.iso.datetime(),
});

const haste = order.pick({ erasure: true, destroy_at: true });

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

/**
 * Writes into the store that an order which it has already is carried out earlier, as it was ordered again with `--now`.
 *
 * @throws LedgerError `storage_failed`, `storage_full`
 */
export const writeHaste = (store: ObjectStore, { id, destroyAt }: Erasure): Promise<void> => {
  const said: z.input<typeof haste> = { erasure: id, destroy_at: destroyAt.toISOString() };
  return putOnce(store, hasteName(id), said);
};

/**
 * Writes an object that another process may have written already.
 *
 * @throws LedgerError `storage_conflict` if it is not there afterwards: two that wrote at once may both have failed.
 */
export async function putOnce(store: ObjectStore, name: string, said: object): Promise<void> {
  try {
    await store.put(name, (sink) => sink(Buffer.from(`${JSON.stringify(said)}\n`)));
  } catch (error) {
    // A worker that was killed has written it.
    if (errorCode(error) !== 'storage_conflict' || !(await isThere(store, name))) throw error;
  }
}

async function isThere(store: ObjectStore, name: string): Promise<boolean> {
  for await (const found of store.list(name)) if (found.name === name) return true;
  return false;
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
  const hastened: string[] = [];
  const unknown: string[] = [];
  let found = new Set<string>();
  const look = async (): Promise<void> => {
    if (found.size > 0) unknown.push(...(await unknownErasures(db.kysely, [...found])));
    found = new Set();
  };
  for await (const { name } of store.list(erasuresPrefix)) {
    const erasure = erasureIn(name);
    if (!erasure) continue;
    if (erasure.says === 'now') hastened.push(erasure.id);
    else (erasure.says === 'cancelled' ? cancelled : found).add(erasure.id);
    if (found.size === batchSize) await look();
  }
  await look();
  // First, because of one transaction only one order can be open: a cancelled one would keep a later one out.
  if (cancelled.size > 0) await cancelRestored(db.kysely, [...cancelled]);
  const lost = unknown.filter((id) => !cancelled.has(id));
  let taken = 0;
  let unreadable: string | undefined;
  for (const id of lost) {
    const said = await readOrder(store, id);
    if (said) await takeOrderOver(db, said);
    if (said) taken += 1;
    else unreadable ??= orderName(id);
  }
  for (const id of await openErasures(db.kysely, hastened)) {
    const said = await readAs(store, hasteName(id), haste);
    if (said?.erasure === id) await hasten(db.kysely, id, new Date(said.destroy_at));
    else unreadable ??= hasteName(id);
  }
  if (unreadable !== undefined) throw orderUnreadable(unreadable);
  return taken;
}

/** What an order says; `undefined` = it cannot be read. */
async function readOrder(store: ObjectStore, id: string): Promise<Order | undefined> {
  const said = await readAs(store, orderName(id), order);
  if (said?.erasure !== id) return undefined;
  const { transaction, requested_at, destroy_at } = said;
  return { id, transactionId: transaction, requestedAt: new Date(requested_at), destroyAt: new Date(destroy_at) };
}

async function readAs<T>(store: ObjectStore, name: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await buffer(await store.get(name));
  return schema.safeParse(parsed(text.toString('utf8'))).data;
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
