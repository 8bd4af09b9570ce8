import { sql } from 'kysely';
import type { Database, Queries } from './database.ts';
import { durably } from './durably.ts';
import { endFetching, isHeld, nothingLeft } from './erasures.ts';
import type { FileKind } from './files.ts';
import { countDestroyed } from './retention-rounds.ts';
import { endLaterLook, noteLaterLooks, type LaterLook } from './later-looks.ts';

/** The end of a transaction, from which retention counts: its completion, else its expiry. */
const endedAt = sql`coalesce(t.completed_at, t.expires_at)`;

/** When a transaction ended or ends, and whether its files are held. */
export async function retentionOf(
  db: Queries,
  transactionId: string,
): Promise<{ readonly completedAt: Date | null; readonly expiresAt: Date | null; readonly isHeld: boolean }> {
  const { rows } = await sql<Awaited<ReturnType<typeof retentionOf>>>`
    select completed_at as "completedAt", expires_at as "expiresAt", ${isHeld('t.id')} as "isHeld"
    from transactions t where id = ${transactionId}`.execute(db);
  return rows[0] ?? { completedAt: null, expiresAt: null, isHeld: false };
}

/** The next transactions in the order of their IDs, and which of them have kept their files of a kind for too long. */
export type Batch = { readonly last: string | null; readonly overdue: readonly string[] };

/**
 * Looks through a batch of transactions that have files of a kind, or did not get them: the vendor's words are kept of both.
 *
 * @param after the last transaction of the previous batch; `''` = from the beginning.
 * @param before files of transactions that ended before this are overdue, unless they are held.
 */
export async function overdueFiles(
  db: Queries,
  kind: FileKind,
  { after, before, limit }: { readonly after: string; readonly before: Date; readonly limit: number },
): Promise<Batch> {
  const { rows } = await sql<{ last: string | null; overdue: string[] }>`
    with batch as (
      select distinct transaction_id as id from files
      where transaction_id > ${after} and kind = ${kind} and state <> 'erased' order by transaction_id limit ${limit}
    )
    select max(id) as last, coalesce(array_agg(id order by id) filter (where (
      select ${endedAt} < ${before} from transactions t where t.id = batch.id) and not ${isHeld('batch.id')}), '{}') as overdue
    from batch`.execute(db);
  return rows[0] ?? { last: null, overdue: [] };
}

/**
 * Destroys the keys of a transaction's files of a kind, so that nobody can read them, and ends fetching them.
 *
 * @returns `false` if it was held in the meantime.
 */
export async function destroyKeysOf(
  database: Pick<Database, 'kysely'>,
  transactionId: string,
  kind: FileKind,
): Promise<boolean> {
  return durably(database, async (db) => {
    await sql`select from transactions where id = ${transactionId} for update`.execute(db);
    // A statement of its own: it sees a hold that was placed while this one waited for the lock.
    const { rows } = await sql`
      select from transactions t where t.id = ${transactionId} and not ${isHeld('t.id')}`.execute(db);
    if (rows.length === 0) return false;
    await endFetchingAndReading(db, transactionId, kind);
    return true;
  });
}

async function endFetchingAndReading(db: Queries, transactionId: string, kind: FileKind): Promise<void> {
  await endFetching(db, [transactionId], [kind === 'document' ? 'documents' : kind]);
  // Also keys that files of this kind had before they were stored anew.
  await sql`
    delete from document_keys k where k.transaction_id = ${transactionId} and not exists (
      select from files f where f.transaction_id = ${transactionId} and f.kind <> ${kind} and f.key_id = k.id)`.execute(
    db,
  );
}

/**
 * Removes what the books say of a transaction's files of a kind, after their objects are gone. From here on nothing
 * fetches them again; what somebody asked for since the keys were destroyed is ended, too, and nobody can read it. They
 * are looked for once more later.
 *
 * @returns how many files there were.
 */
export async function forgetFiles(
  database: Pick<Database, 'kysely'>,
  transactionId: string,
  kind: FileKind,
): Promise<number> {
  return durably(database, async (db) => {
    const files = await forget(db, transactionId, kind);
    await noteLaterLooks(db, transactionId, [kind]);
    await countDestroyed(db, kind, files);
    return files;
  });
}

/** The same after the second look, which is noted. */
export async function forgetAgain(database: Pick<Database, 'kysely'>, look: LaterLook, until: Date): Promise<void> {
  await durably(database, async (db) => {
    await forget(db, look.transactionId, look.kind);
    await endLaterLook(db, look, until);
  });
}

async function forget(db: Queries, transactionId: string, kind: FileKind): Promise<number> {
  await sql`select from transactions where id = ${transactionId} for update`.execute(db);
  await endFetchingAndReading(db, transactionId, kind);
  const { rows } = await sql`
    update files set ${nothingLeft}
    where transaction_id = ${transactionId} and kind = ${kind} and state <> 'erased' returning origin`.execute(db);
  return rows.length;
}

/** What retention has done for files of a kind, and still has to do. */
export type RetentionStatus = {
  readonly kind: FileKind;
  /** Transactions whose files are older than they are kept, and that nobody holds. */
  readonly overdue: number;
  /** Files that it destroyed. */
  readonly destroyed: number;
};

/** @param before files of transactions that ended before this are overdue. */
export async function retentionStatus(db: Queries, kind: FileKind, before: Date): Promise<RetentionStatus> {
  const { rows } = await sql<Omit<RetentionStatus, 'kind'>>`
    select (
      select count(distinct t.id)::int from files f join transactions t on t.id = f.transaction_id
      where f.kind = ${kind} and f.state <> 'erased' and ${endedAt} < ${before} and not ${isHeld('t.id')}) as overdue,
      coalesce((select destroyed from retention_rounds where kind = ${kind}), 0)::float8 as destroyed`.execute(db);
  return { kind, ...(rows[0] ?? { overdue: 0, destroyed: 0 }) };
}
