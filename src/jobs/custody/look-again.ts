import { earlierTime } from '../../db/earlier-time.ts';
import { heldFiles } from '../../db/files.ts';
import { forgetAgain } from '../../db/retention.ts';
import { dueLaterLooks, endLaterLook, type LaterLook } from '../../db/later-looks.ts';
import { kindPrefix } from '../../store/layout.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Context } from '../context.ts';
import { removeLeftovers } from '../fetch/held-files.ts';
import { removeObjects } from './destroy.ts';
import { each, type Failures } from './each.ts';

const batchSize = 200;

/**
 * Looks once more for files that were destroyed an hour ago, a bounded batch: a worker may have stored one in the meantime,
 * and have died before it recorded it.
 *
 * @param failures what could not be done is added; it is tried again in the next round.
 * @returns for how many it was looked.
 * @throws LedgerError `database_unavailable`
 */
export async function lookAgain(
  { db, now }: Pick<Context, 'db' | 'now'>,
  store: ObjectStore,
  failures: Failures,
  signal?: AbortSignal,
): Promise<number> {
  const until = await earlierTime(db.kysely, now());
  return each(await dueLaterLooks(db.kysely, until, batchSize), { failures, signal }, async (look) => {
    await (look.isDestroyed ? destroyAgain : removeUnrecorded)(db, store, look, until);
    return true;
  });
}

type Look = (db: Context['db'], store: ObjectStore, look: LaterLook, until: Date) => Promise<void>;

const destroyAgain: Look = async (db, store, look, until) => {
  await removeObjects(db.kysely, store, look.transactionId, look.kind);
  await forgetAgain(db, look, until);
};

/** They may be kept for longer by now, and be fetched again. */
const removeUnrecorded: Look = async (db, store, look, until) => {
  const { transactionId, kind, fence } = look;
  const recorded = await heldFiles(db.kysely, transactionId, kind);
  await removeLeftovers(store, kindPrefix(transactionId, kind), recorded, fence);
  await endLaterLook(db.kysely, look, until);
};
