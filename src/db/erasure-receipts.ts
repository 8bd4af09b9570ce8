import { sql } from 'kysely';
import type { Queries } from './database.ts';
import { countClear } from './clear-files.ts';
import { keysOnRetired } from './document-masters.ts';
import { isHeld } from './erasures.ts';

/** What the database still has of a transaction's documents, counted by table. */
export type ErasedLeft = {
  /** Rows that say more than that there was a file. */
  readonly files: number;
  readonly keys: number;
  /** The last generation of jobs on its files. */
  readonly generation: number;
};

export async function erasedLeft(db: Queries, transactionId: string): Promise<ErasedLeft> {
  const { rows } = await sql<ErasedLeft>`
    select (select count(*)::int from files where transaction_id = ${transactionId} and num_nonnulls(
        object_name, key_id, sha256, bytes, media_type, category, type, name, url_sha256, clear_sha256) > 0) as files,
      (select count(*)::int from document_keys where transaction_id = ${transactionId}) as keys,
      (select coalesce(max(generation), 0) from obligations
        where transaction_id = ${transactionId} and kind <> 'result') as generation`.execute(db);
  return rows[0] ?? { files: 0, keys: 0, generation: 0 };
}

/** Erasures by what they wait for, and files by why they are still there. */
export type CustodyStatus = {
  /** Closed, and not yet destroyed. */
  readonly closed: number;
  /** Closed, and held. */
  readonly held: number;
  readonly destroyed: number;
  /** When the next one is due; `null` = none is. */
  readonly nextDestroyAt: Date | null;
  /** Files of which an earlier version left bytes in the clear. */
  readonly clear: number;
  /** Document keys that are sealed to no master in use. */
  readonly onRetired: number;
};

export async function custodyStatus(db: Queries): Promise<CustodyStatus> {
  const { rows } = await sql<Omit<CustodyStatus, 'clear' | 'onRetired'>>`
    select (count(*) filter (where destroyed_at is null))::int as closed,
      (count(*) filter (where destroyed_at is null and ${isHeld('e.transaction_id')}))::int as held,
      (count(*) filter (where destroyed_at is not null))::int as destroyed,
      min(destroy_at) filter (where destroyed_at is null and not ${isHeld('e.transaction_id')}) as "nextDestroyAt"
    from erasures e where cancelled_at is null`.execute(db);
  const [clear, onRetired] = [await countClear(db), await keysOnRetired(db)];
  return { ...(rows[0] ?? { closed: 0, held: 0, destroyed: 0, nextDestroyAt: null }), clear, onRetired };
}
