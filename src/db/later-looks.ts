import { sql } from 'kysely';
import type { Queries } from './database.ts';
import type { FileKind } from './files.ts';

/** Files of a transaction that are looked for once more, because a worker may have stored some in the meantime. */
export type LaterLook = {
  readonly transactionId: string;
  readonly kind: FileKind;
  /** Whether they were destroyed. If not, they are not fetched any more, and only what nobody recorded has to go. */
  readonly isDestroyed: boolean;
  /** The last start that fetched them. */
  readonly fence: string;
};

/**
 * Has workers look once more for a transaction's files, an hour from now: a worker that was about to store a document has
 * done so by then, or is dead.
 */
export async function noteLaterLooks(db: Queries, transactionId: string, kinds: readonly FileKind[]): Promise<void> {
  await sql`
    insert into later_looks (transaction_id, kind) select ${transactionId}, unnest(${kinds}::text[])
    on conflict (transaction_id, kind) do update set look_at = excluded.look_at`.execute(db);
}

/** What is to be looked for once more, by the given time. */
export async function dueLaterLooks(db: Queries, until: Date, limit: number): Promise<LaterLook[]> {
  const { rows } = await sql<LaterLook>`
    select l.transaction_id as "transactionId", l.kind,
      exists (select from erasures e where e.transaction_id = l.transaction_id and e.destroyed_at is not null)
        or exists (select from files f
          where f.transaction_id = l.transaction_id and f.kind = l.kind and f.state = 'erased') as "isDestroyed",
      coalesce((select o.fence from obligations o where o.transaction_id = l.transaction_id
        and o.kind = case l.kind when 'document' then 'documents' else l.kind end), 0)::text as fence
    from later_looks l where l.look_at <= ${until} order by l.look_at, l.transaction_id, l.kind limit ${limit}`.execute(
    db,
  );
  return rows;
}

/** Notes that it was looked once more; unless it is to be done again, since something was destroyed after `until`. */
export async function endLaterLook(db: Queries, { transactionId, kind }: LaterLook, until: Date): Promise<void> {
  await sql`
    delete from later_looks where transaction_id = ${transactionId} and kind = ${kind} and look_at <= ${until}`.execute(
    db,
  );
  await sql`
    update erasures set looked_again_at = clock_timestamp()
    where transaction_id = ${transactionId} and destroyed_at is not null and looked_again_at is null
      and not exists (select from later_looks l where l.transaction_id = ${transactionId})`.execute(db);
}
