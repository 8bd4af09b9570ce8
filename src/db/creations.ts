import { sql } from 'kysely';
import type { Database, Queries } from './database.ts';
import { recordIntake } from './intake.ts';
import { refer } from './references.ts';

/** A transaction that the vendor was asked to create. */
export type Creation = {
  readonly id: string;
  readonly requestSha256: string;
  readonly reference: string | null;
  readonly askedAt: Date;
  readonly transactionId: string | null;
  /** The address for the person who is verified; `null` = there was no answer, or it has expired. */
  readonly url: string | null;
  readonly expiresAt: Date | null;
  readonly errorCode: string | null;
  readonly isRefused: boolean;
};

const columns = sql`id, request_sha256 as "requestSha256", reference, asked_at as "askedAt",
  transaction_id as "transactionId", url, expires_at as "expiresAt", error_code as "errorCode", is_refused as "isRefused"`;

export type CreationWish = {
  readonly idempotencyKey: string | null;
  /** Of the request, to notice one key with two requests. */
  readonly requestSha256: string;
  readonly reference: string | null;
  readonly askedBy: string;
};

/**
 * Commits the intention to create a transaction.
 *
 * @returns the new creation, or the one that was made with the same key.
 */
export async function intend(
  db: Queries,
  { idempotencyKey, requestSha256, reference, askedBy }: CreationWish,
): Promise<{ readonly creation: Creation; readonly isNew: boolean }> {
  const { rows } = await sql<Creation>`
    insert into creations (idempotency_key, request_sha256, reference, asked_by)
    values (${idempotencyKey}, ${requestSha256}, ${reference}, ${askedBy})
    on conflict (idempotency_key) do nothing returning ${columns}`.execute(db);
  if (rows[0]) return { creation: rows[0], isNew: true };
  const { rows: found } = await sql<Creation>`
    select ${columns} from creations where idempotency_key = ${idempotencyKey}`.execute(db);
  if (!found[0]) throw new RangeError('a creation with this key was there, and is not');
  return { creation: found[0], isNew: false };
}

/**
 * Allows a creation that was refused to be tried again: the vendor has certainly not created it.
 *
 * @returns `false` if another process tries it already.
 */
export async function intendAgain(db: Queries, id: string): Promise<boolean> {
  const { rows } = await sql`
    update creations set is_refused = false, error_code = null, asked_at = now() where id = ${id} and is_refused
    returning id`.execute(db);
  return rows.length > 0;
}

export type CreatedAnswer = { readonly transactionId: string; readonly url: string; readonly expires: Date | null };

/** Commits the vendor's answer together with the intake of the transaction. @returns what became due. */
export async function recordCreated(
  { kysely }: Pick<Database, 'kysely'>,
  id: string,
  { transactionId, url, expires }: CreatedAnswer,
  leaseMs: number,
): Promise<{ transactionId: string; generation: number }[]> {
  return kysely.transaction().execute(async (db) => {
    const { due } = await recordIntake(db, [{ transactionId, resultId: null }], 'created', leaseMs);
    const { rows } = await sql<{ reference: string | null }>`
      update creations set answered_at = now(), transaction_id = ${transactionId}, url = ${url}, expires_at = ${expires},
        error_code = null
      where id = ${id} returning reference`.execute(db);
    await refer(db, transactionId, rows[0]?.reference ?? null);
    return due;
  });
}

/** Records why there is no transaction. @param isRefused the vendor has certainly created none. */
export async function recordFailed(db: Queries, id: string, errorCode: string, isRefused: boolean): Promise<void> {
  await sql`
    update creations set error_code = ${errorCode}, is_refused = ${isRefused},
      answered_at = case when ${isRefused} then now() end
    where id = ${id} and transaction_id is null`.execute(db);
}

/** A process that asked this long ago and recorded nothing has died. */
const answerWithinMs = 120_000;

const isPossiblyCreated = sql<boolean>`transaction_id is null and not is_refused and resolved_at is null
  and (error_code is not null or asked_at < now() - ${answerWithinMs} * interval '1 millisecond')`;

/** A creation whose answer never came. */
export type PossiblyCreated = {
  readonly id: string;
  readonly reference: string | null;
  readonly askedAt: Date;
  readonly errorCode: string | null;
};

/** Creations whose answer never came and that nobody has looked after, oldest first. */
export async function possiblyCreated(db: Queries, limit: number): Promise<PossiblyCreated[]> {
  const { rows } = await sql<PossiblyCreated>`
    select id, reference, asked_at as "askedAt", error_code as "errorCode" from creations
    where ${isPossiblyCreated} order by asked_at, id limit ${limit}`.execute(db);
  return rows;
}

export async function countPossiblyCreated(db: Queries): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from creations where ${isPossiblyCreated}`.execute(db);
  return rows[0]?.count ?? 0;
}

/** Notes what somebody found out about a creation without an answer. @returns `false`: there is none to look after. */
export async function resolveCreation(
  { kysely }: Pick<Database, 'kysely'>,
  id: string,
  {
    transactionId,
    by,
    resolution,
  }: { readonly transactionId: string | null; readonly by: string; readonly resolution: string },
  leaseMs: number,
): Promise<boolean> {
  return kysely.transaction().execute(async (db) => {
    if (transactionId !== null) await recordIntake(db, [{ transactionId, resultId: null }], 'created', leaseMs);
    const { rows } = await sql<{ reference: string | null }>`
      update creations set resolved_at = now(), resolved_by = ${by}, resolution = ${resolution},
        transaction_id = ${transactionId}
      where id::text = ${id} and transaction_id is null and not is_refused and resolved_at is null
      returning reference`.execute(db);
    if (transactionId !== null) await refer(db, transactionId, rows[0]?.reference ?? null);
    return rows.length > 0;
  });
}

/** Forgets addresses that have expired. @returns how many. */
export async function forgetExpiredAddresses(db: Queries, now: Date): Promise<number> {
  const { rows } = await sql`
    update creations set url = null where url is not null and coalesce(expires_at, asked_at + interval '1 day') < ${now}
    returning id`.execute(db);
  return rows.length;
}
