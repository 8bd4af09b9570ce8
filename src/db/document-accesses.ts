import { sql } from 'kysely';
import type { Database, Queries } from './database.ts';
import { durably } from './durably.ts';
import { isClosed } from './erasures.ts';
import { type FileKind, type FilePlace, hasKey } from './files.ts';

/** A reading of a stored document, or a try: the row is there before anything is read. */
export type DocumentAccess = FilePlace & {
  readonly transactionId: string;
  readonly kind: FileKind;
  readonly accessedBy: string;
  readonly reason: string;
  /** `browser`: through the service, also with a bearer token. */
  readonly via: 'command' | 'browser';
  /** Where the request came from; `null` for a command, whose user and machine are in `accessedBy`. */
  readonly address: string | null;
};

export type DocumentAccessRow = DocumentAccess & { readonly id: string; readonly accessedAt: Date };

/**
 * Commits that somebody reads a document, unless the transaction's documents are closed. Waits for whoever is destroying
 * them, who locks the same row.
 *
 * @returns `false`: they are closed, and nothing was recorded.
 */
export async function recordAccess(
  database: Pick<Database, 'kysely'>,
  { transactionId, kind, origin, position, accessedBy, reason, via, address }: DocumentAccess,
): Promise<boolean> {
  return durably(database, async (db) => {
    await sql`select from transactions where id = ${transactionId} for key share`.execute(db);
    if (await isClosedForReading(db, transactionId)) return false;
    await db
      .insertInto('document_accesses')
      .values({ accessed_by: accessedBy, reason, via, address, transaction_id: transactionId, kind, origin, position })
      .execute();
    return true;
  });
}

/** Whether a transaction's documents are to be erased, or were. A cancelled erasure opens them again. */
export async function isClosedForReading(db: Queries, transactionId: string): Promise<boolean> {
  const { rows } = await sql<{ isClosed: boolean }>`
    select ${isClosed('t.id')} as "isClosed" from transactions t where t.id = ${transactionId}`.execute(db);
  return rows[0]?.isClosed ?? false;
}

/**
 * Whether a document may still be handed out that was read just now: its transaction may have been closed, or its key
 * destroyed by retention, while the store gave it out.
 */
export async function readableNow(
  db: Queries,
  { transactionId, kind, origin, position }: FilePlace & Pick<DocumentAccess, 'transactionId' | 'kind'>,
): Promise<{ readonly isClosed: boolean; readonly isLeft: boolean }> {
  const { rows } = await sql<{ isClosed: boolean; isLeft: boolean }>`
    select ${isClosed('t.id')} as "isClosed", exists (
      select from files where transaction_id = t.id and kind = ${kind} and origin = ${origin} and position = ${position}
        and state <> 'erased' and ${hasKey}) as "isLeft"
    from transactions t where t.id = ${transactionId}`.execute(db);
  return rows[0] ?? { isClosed: false, isLeft: false };
}

/**
 * Who read what, newest first.
 *
 * @param page.after the `id` of the last row of the page before; `undefined` = from the newest on.
 */
export async function documentAccesses(
  db: Queries,
  page: { readonly transactionId?: string | undefined; readonly after?: string | undefined; readonly limit: number },
): Promise<DocumentAccessRow[]> {
  const { transactionId, after, limit } = page;
  return db
    .selectFrom('document_accesses')
    .select(['id', 'accessed_at as accessedAt', 'accessed_by as accessedBy', 'reason', 'via', 'address'])
    .select(['transaction_id as transactionId', 'kind', 'origin', 'position'])
    .$if(transactionId !== undefined, (query) => query.where('transaction_id', '=', transactionId ?? ''))
    .$if(after !== undefined, (query) => query.where('id', '<', after ?? ''))
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
}
