import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import {
  cancelRestored,
  hasten,
  markOrdered,
  openErasures,
  type Order,
  orderedErasures,
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
  await putOrder(store, erasure);
  await markOrdered(db.kysely, erasure);
}

function putOrder(store: ObjectStore, { id, transactionId, requestedAt, destroyAt }: Erasure): Promise<void> {
  const said: z.input<typeof order> = {
    erasure: id,
    transaction: transactionId,
    requested_at: requestedAt.toISOString(),
    destroy_at: destroyAt.toISOString(),
  };
  return putOnce(store, orderName(id), said);
}

/** Writes into the store that an order is cancelled. */
export async function writeCancellation(
  { db }: Pick<Context, 'db'>,
  store: ObjectStore,
  erasure: Erasure,
): Promise<void> {
  await putCancellation(store, erasure);
  await markOrdered(db.kysely, erasure);
}

const putCancellation = (store: ObjectStore, { id }: Erasure): Promise<void> =>
  putOnce(store, cancellationName(id), { erasure: id });

/**
 * Writes into the store that an order which it has already is carried out earlier, as it was ordered again with `--now`.
 *
 * @throws LedgerError `storage_failed`, `storage_full`
 */
export const writeHaste = (store: ObjectStore, { id, destroyAt }: Erasure): Promise<void> => {
  const said: z.input<typeof haste> = { erasure: id, destroy_at: destroyAt.toISOString() };
  return putOnce(store, hasteName(id), said);
};

/** Two that write at once into a bucket with versions may both be refused. After the last pause nobody tries again. */
const pausesMs = [100, 200, 400, 800];

/**
 * Writes an object that another process may have written already, or writes at the same time: whoever is refused looks
 * whether it is there, and tries again if not.
 *
 * @throws LedgerError `storage_conflict` if it is refused every time, and not there.
 */
export async function putOnce(store: ObjectStore, name: string, said: object): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await store.put(name, (sink) => sink(Buffer.from(`${JSON.stringify(said)}\n`)));
      return;
    } catch (error) {
      if (errorCode(error) !== 'storage_conflict') throw error;
      if (await isThere(store, name)) return;
      const pauseMs = pausesMs[tries];
      if (pauseMs === undefined) throw error;
      // By chance, so that the same two do not meet again.
      await delay(pauseMs * Math.random());
    }
  }
}

async function isThere(store: ObjectStore, name: string): Promise<boolean> {
  for await (const found of store.list(name)) if (found.name === name) return true;
  return false;
}

const batchSize = 500;

/**
 * Takes over what the store's orders say and the books do not know: these were restored from a backup older than the
 * orders. Erasing then goes on as if it had never been broken off. What the books know and the store has lost, as a store
 * that was restored from a backup, is written there again. Workers do this at their start, before any other work, and
 * every few minutes.
 *
 * @returns how many orders were taken over.
 * @throws LedgerError `storage_failed`; `store_mismatch` for an order that cannot be read, after all others were
 */
export async function replayOrders({ db }: Pick<Context, 'db'>, store: ObjectStore): Promise<number> {
  const cancelled = new Set<string>();
  const hastened: string[] = [];
  const unknown: string[] = [];
  const written = new Set<string>();
  let found = new Set<string>();
  const look = async (): Promise<void> => {
    if (found.size > 0) unknown.push(...(await unknownErasures(db.kysely, [...found])));
    found = new Set();
  };
  for await (const { name } of store.list(erasuresPrefix)) {
    const erasure = erasureIn(name);
    if (!erasure) continue;
    if (erasure.says === 'ordered') written.add(erasure.id);
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
  await writeLost({ db }, store, { written, cancelled });
  if (unreadable !== undefined) throw orderUnreadable(unreadable);
  return taken;
}

/** Without its order in the store, an erasure would not outlive a later restore of the database. */
async function writeLost(
  { db }: Pick<Context, 'db'>,
  store: ObjectStore,
  { written, cancelled }: { readonly written: ReadonlySet<string>; readonly cancelled: ReadonlySet<string> },
): Promise<void> {
  let after: string | null = null;
  for (;;) {
    const erasures: Erasure[] = await orderedErasures(db.kysely, after, batchSize);
    for (const erasure of erasures) {
      const isCancelled = erasure.cancelledAt !== null;
      if (isCancelled && !cancelled.has(erasure.id)) await putCancellation(store, erasure);
      if (!isCancelled && !written.has(erasure.id)) await putOrder(store, erasure);
    }
    after = erasures.at(-1)?.id ?? null;
    if (erasures.length < batchSize) return;
  }
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
