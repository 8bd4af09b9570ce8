import { type HoldCopy, placedHolds, releaseRestored, takeHoldOver } from '../../db/hold-copies.ts';
import { holdIn, holdName, holdsPrefix, releaseName } from '../../store/layout.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Context } from '../context.ts';
import { each, type Failures } from './each.ts';
import { putOnce } from './orders.ts';

/**
 * Makes holds the same in the books and in the store, which has a copy of each, so that a restore of an older database
 * does not lose them: orders to erase survive it, and would be carried out. Whatever one of the two says is released is
 * released. The copies say nothing of a person but the transaction's ID.
 *
 * @param failures copies that could not be written are added: the books know these holds all the same.
 * @returns how many holds the books had lost.
 * @throws LedgerError `storage_…`, `database_unavailable`; then it is not known what is held.
 */
export async function keepHoldCopies(
  { db }: Pick<Context, 'db'>,
  store: ObjectStore,
  failures: Failures,
): Promise<number> {
  // The store first: a hold is in the books before it is there.
  const copies = await copiesIn(store);
  const placed = await placedHolds(db.kysely);
  const known = new Set(placed.map(keyOf));
  const lost = [...copies.values()].filter((copy) => !copy.isReleased && !known.has(keyOf(copy)));
  for (const copy of lost) await takeHoldOver(db, copy);
  await each(placed, { failures }, async (hold) => {
    const copy = copies.get(keyOf(hold));
    if (!hold.isReleased && copy?.isReleased) await releaseRestored(db.kysely, hold);
    else if (!hold.isReleased && !copy) await write(store, holdName(hold), hold);
    else if (hold.isReleased && copy && !copy.isReleased) await write(store, releaseName(hold), hold);
    return true;
  });
  return lost.length;
}

const keyOf = ({ transactionId, placedAtMs }: HoldCopy): string => `${transactionId} ${placedAtMs}`;

const write = (store: ObjectStore, name: string, { transactionId, placedAtMs }: HoldCopy): Promise<void> =>
  putOnce(store, name, { transaction: transactionId, placed_at: new Date(placedAtMs).toISOString() });

type Copy = HoldCopy & { readonly isReleased: boolean };

async function copiesIn(store: ObjectStore): Promise<Map<string, Copy>> {
  const copies = new Map<string, Copy>();
  for await (const { name } of store.list(holdsPrefix)) {
    const found = holdIn(name);
    if (!found) continue;
    const isReleased = found.isReleased || (copies.get(keyOf(found))?.isReleased ?? false);
    copies.set(keyOf(found), { ...found, isReleased });
  }
  return copies;
}
