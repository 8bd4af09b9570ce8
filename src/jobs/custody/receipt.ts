import { erasedLeft, type ErasedLeft } from '../../db/erasure-receipts.ts';
import { type Erasure, erasuresOf } from '../../db/erasures.ts';
import { type Hold, holdsOf } from '../../db/holds.ts';
import { LedgerError } from '../../errors.ts';
import { decodeHeader, headerIn } from '../../store/encryption/header.ts';
import { transactionPrefix } from '../../store/layout.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { QueueContext } from '../context.ts';
import { type Strays, straysOf } from './strays.ts';

/** What was asked for, what was done, and what is left. */
export type Receipt = {
  readonly erasure: Erasure;
  readonly state: 'closed' | 'held' | 'destroyed' | 'cancelled';
  readonly holds: readonly Hold[];
  readonly found: Found;
  /** Where the whole store was looked through; `null` = the books know none. */
  readonly strays: Strays | null;
  /** Whether it is destroyed and nothing was found anywhere. */
  readonly isProven: boolean;
};

/** What a search for every copy found, each place on its own, whatever the erasure says of itself. */
type Found = Pick<ErasedLeft, 'files' | 'keys' | 'elsewhere'> & {
  /** Objects in the store, with older versions. */
  readonly objects: number;
  /** Objects that are being written, or were by a killed worker. */
  readonly drafts: number;
  /** Copies of its documents in the store, outside of their places. */
  readonly strays: number;
  /** Jobs in Redis that would fetch the documents. Jobs carry IDs only. */
  readonly jobs: number;
};

/**
 * The receipt of an erasure, with the result of a search made now.
 *
 * @param store `undefined` = the books know none, so nothing was ever stored.
 * @param id of the erasure, or of its transaction; the last erasure of a transaction counts.
 * @throws LedgerError `not_found` if nothing was ordered; `storage_failed`, `queue_unavailable`
 */
export async function receiptOf(
  { db, queues }: QueueContext,
  store: ObjectStore | undefined,
  id: string,
): Promise<Receipt> {
  const erasure = (await erasuresOf(db.kysely, id)).at(-1);
  if (!erasure)
    throw new LedgerError(
      'not_found',
      `No erasure was ordered that has the ID ${id}, or is about a transaction with it.`,
      {
        hint: 'erase prints the ID of each erasure. Is this the right database?',
      },
    );
  const { transactionId } = erasure;
  const holds = await holdsOf(db.kysely, transactionId);
  const objects = store ? await countObjects(store, transactionId) : 0;
  const drafts = store ? await countDrafts(store, transactionId) : 0;
  const strays = store ? await straysOf({ db }, store, transactionId) : null;
  const { generation, ...left } = await erasedLeft(db.kysely, transactionId, transactionPrefix(transactionId));
  const jobs = await queues.fileJobs(transactionId, generation);
  const found = { ...left, objects, drafts, strays: strays?.names.length ?? 0, jobs };
  const state = stateOf(erasure, holds);
  return {
    erasure,
    state,
    holds,
    found,
    strays,
    isProven: state === 'destroyed' && Object.values(found).every((n) => n === 0),
  };
}

async function countObjects(store: ObjectStore, transactionId: string): Promise<number> {
  let objects = 0;
  for await (const { name } of store.list(transactionPrefix(transactionId), { everyVersion: true }))
    objects += name === '' ? 0 : 1;
  return objects;
}

/** What is unfinished in a folder has a name by chance; its header says whose it is. */
async function countDrafts(store: ObjectStore, transactionId: string): Promise<number> {
  let drafts = 0;
  for await (const { name, begin } of store.unfinished()) {
    const header = headerIn(begin);
    const isOwn = name?.startsWith(transactionPrefix(transactionId)) ?? false;
    if (isOwn || (header && decodeHeader(header)?.transactionId === transactionId)) drafts += 1;
  }
  return drafts;
}

function stateOf({ cancelledAt, destroyedAt }: Erasure, holds: readonly Hold[]): Receipt['state'] {
  if (cancelledAt !== null) return 'cancelled';
  if (destroyedAt !== null) return 'destroyed';
  return holds.some(({ releasedAt }) => releasedAt === null) ? 'held' : 'closed';
}
