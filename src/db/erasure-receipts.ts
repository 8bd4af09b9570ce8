import { sql } from 'kysely';
import type { Queries } from './database.ts';
import { countClear } from './clear-files.ts';
import { keysOnRetired } from './document-masters.ts';
import { isHeld } from './erasures.ts';

/** What the database still has of a transaction's documents. */
export type ErasedLeft = {
  /** Rows that say more than that there was a file. */
  readonly files: number;
  readonly keys: number;
  /** Rows of other tables, with those of what was before, that name an object of its documents. */
  readonly elsewhere: number;
  /** The last generation of jobs on its files. */
  readonly generation: number;
};

/** What may be left of a file: that there was one. Whatever else a row says, in any column, is too much. */
const thatThereWasOne = ['transaction_id', 'kind', 'origin', 'position', 'state', 'recorded_at'];

/**
 * Looks through all tables, whatever an erasure does to them: those of later versions, too.
 *
 * @param prefix of the names of the transaction's objects.
 */
export async function erasedLeft(db: Queries, transactionId: string, prefix: string): Promise<ErasedLeft> {
  const { rows } = await sql<Omit<ErasedLeft, 'elsewhere'>>`
    select (select count(*)::int from files f where transaction_id = ${transactionId} and (state <> 'erased'
        or jsonb_strip_nulls(to_jsonb(f) - ${thatThereWasOne}::text[]) <> '{}')) as files,
      (select count(*)::int from document_keys where transaction_id = ${transactionId}) as keys,
      (select coalesce(max(generation), 0) from obligations
        where transaction_id = ${transactionId} and kind <> 'result') as generation`.execute(db);
  const elsewhere = await namedElsewhere(db, transactionId, prefix);
  return { ...(rows[0] ?? { files: 0, keys: 0, generation: 0 }), elsewhere };
}

async function namedElsewhere(db: Queries, transactionId: string, prefix: string): Promise<number> {
  const { rows: tables } = await sql<{ table: string; column: string }>`
    select c.relname as "table", a.attname as "column" from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = to_regnamespace(quote_ident(current_schema())) and c.relkind in ('r', 'p')
      and a.attname = case when c.relname in ('transactions', 'transactions_history') then 'id' else 'transaction_id' end
      and not a.attisdropped and c.relname <> 'files'`.execute(db);
  const searches = tables.map(
    ({ table, column }) => sql`
      select count(*)::int as count from ${sql.ref(table)} t
      where t.${sql.ref(column)} = ${transactionId} and strpos(to_jsonb(t)::text, ${prefix}) > 0`,
  );
  const { rows } = await sql<{ count: number }>`${sql.join(searches, sql` union all `)}`.execute(db);
  return rows.reduce((sum, { count }) => sum + count, 0);
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
