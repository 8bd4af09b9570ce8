import { sql } from 'kysely';
import type { Queries } from './database.ts';
import { instant } from './sql-text.ts';

/** Which references a file shows: `none`, as there are none, or those that were recorded by an instant, or all. */
export type References = 'none' | { readonly asOf: Date | null };

/** Lines with the references of their transactions, as SQL. */
export const withReferences = (lines: string, references: References): string =>
  references === 'none'
    ? lines
    : `select line.*, r.reference from (${lines}) line
      left join transaction_references r on r.transaction_id = line.transaction_id
        ${references.asOf === null ? '' : `and r.recorded_at <= ${instant(references.asOf)}`}`;

/** The references that a file is to show. Most books have none, and then their lines need no join. */
export async function referencesAt(db: Queries, asOf: Date | null | undefined): Promise<References> {
  const { rows } = await sql`select from transaction_references limit 1`.execute(db);
  return rows.length === 0 ? 'none' : { asOf: asOf ?? null };
}

/** Held shared while a reference of what may be in a report is recorded, and alone while a month is closed. */
const referencesLock = sql`hashtextextended('idscan-ledger references', 0)`;

/**
 * Keeps whom the cost of a transaction may be charged on to. A transaction with lines in a closed month gets none: these
 * files do not change. While one is being closed, this waits, so it is the last thing that a transaction does.
 */
export async function refer(db: Queries, transactionId: string, reference: string | null): Promise<void> {
  if (reference === null) return;
  const { rows } = await sql`select from attempts where transaction_id = ${transactionId} limit 1`.execute(db);
  if (rows.length > 0) await sql`select pg_advisory_xact_lock_shared(${referencesLock})`.execute(db);
  await sql`
    insert into transaction_references (transaction_id, reference) select ${transactionId}, ${reference}
    where not exists (select from closed_lines where transaction_id = ${transactionId})
    on conflict do nothing`.execute(db);
}

const holdWithinMs = 30_000;

/**
 * Keeps references of what has attempts from being recorded until the connection ends. Waits for those that are being
 * recorded.
 *
 * @param queries on a connection of their own.
 */
export async function holdReferences(queries: Queries): Promise<void> {
  await queries.transaction().execute(async (transaction) => {
    await sql`select set_config('lock_timeout', ${`${holdWithinMs}ms`}, true)`.execute(transaction);
    // Of the session: it outlives this transaction.
    await sql`select pg_advisory_lock(${referencesLock})`.execute(transaction);
  });
}
