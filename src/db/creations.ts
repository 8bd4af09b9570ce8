import { sql } from 'kysely';
import type { Span } from '../domain/billing-month.ts';
import type { Database, Queries } from './database.ts';
import { recordIntake } from './intake.ts';
import { refer } from './references.ts';

/** A process that asked this long ago and recorded nothing has died. */
const answerWithinMs = 120_000;
const answerableSince = sql`now() - ${answerWithinMs} * interval '1 millisecond'`;

/**
 * The address and the hash of the request are remembered until then. Where the vendor names no end, or one before it was
 * asked: for the longest life that it documents.
 */
const rememberedUntil = sql`case when expires_at > asked_at then expires_at else asked_at + interval '1 day' end`;

const isOpen = sql<boolean>`transaction_id is null and not is_refused and resolved_at is null`;
export const isPossiblyCreated = sql<boolean>`${isOpen} and (error_code is not null or asked_at < ${answerableSince})`;

/** A transaction that the vendor was asked to create. */
export type Creation = {
  readonly id: string;
  /** `null` = forgotten, or there is no key. */
  readonly requestSha256: string | null;
  readonly reference: string | null;
  readonly transactionId: string | null;
  /** The address for the person who is verified; `null` = there was none, or it has expired. */
  readonly url: string | null;
  readonly expiresAt: Date | null;
  readonly errorCode: string | null;
  readonly isRefused: boolean;
  /** A process is asking the vendor, or recording its answer. */
  readonly isUnderWay: boolean;
  /** Somebody has looked after a creation without an answer. */
  readonly isResolved: boolean;
};

const columns = sql`id, request_sha256 as "requestSha256", reference, transaction_id as "transactionId",
  case when ${rememberedUntil} > now() then url end as url, expires_at as "expiresAt", error_code as "errorCode",
  is_refused as "isRefused", ${isOpen} and not (${isPossiblyCreated}) as "isUnderWay",
  resolved_at is not null as "isResolved"`;

export type CreationWish = {
  /** Of the caller, who is `askedBy`. */
  readonly idempotencyKey: string | null;
  /** Of the request, to notice one key with two requests. Without a key there is none. */
  readonly requestSha256: string | null;
  readonly reference: string | null;
  readonly askedBy: string;
};

/**
 * Commits the intention to create a transaction.
 *
 * @returns the new creation, or the one that the caller made with the same key.
 */
export async function intend(
  db: Queries,
  { idempotencyKey, requestSha256, reference, askedBy }: CreationWish,
): Promise<{ readonly creation: Creation; readonly isNew: boolean }> {
  const { rows } = await sql<Creation>`
    insert into creations (idempotency_key, request_sha256, reference, asked_by)
    values (${idempotencyKey}, ${requestSha256}, ${reference}, ${askedBy})
    on conflict (asked_by, idempotency_key) do nothing returning ${columns}`.execute(db);
  if (rows[0]) return { creation: rows[0], isNew: true };
  const { rows: found } = await sql<Creation>`
    select ${columns} from creations where asked_by = ${askedBy} and idempotency_key = ${idempotencyKey}`.execute(db);
  if (!found[0]) throw new RangeError('a creation with this key was there, and is not');
  return { creation: found[0], isNew: false };
}

/**
 * Allows a creation that was refused to be tried again, also with another request: the vendor has certainly not created
 * it.
 *
 * @returns the creation as it is asked for now; `undefined` if another process tries it already.
 */
export async function intendAgain(
  db: Queries,
  id: string,
  { requestSha256, reference }: Pick<CreationWish, 'requestSha256' | 'reference'>,
): Promise<Creation | undefined> {
  const { rows } = await sql<Creation>`
    update creations set is_refused = false, error_code = null, answered_at = null, asked_at = now(),
      request_sha256 = ${requestSha256}, reference = ${reference}
    where id = ${id} and is_refused returning ${columns}`.execute(db);
  return rows[0];
}

export type CreatedAnswer = {
  readonly transactionId: string;
  readonly url: string | null;
  readonly expires: Date | null;
};

/** What became of an answer, or of what somebody found out: a transaction is that of one creation. */
export type Kept<T> = T | { readonly isOf: string };

/**
 * Commits the vendor's answer together with the intake of the transaction. May be repeated.
 *
 * @param errorCode what is wrong with the answer.
 * @returns what became due, or the other creation that has the transaction already; then nothing is written.
 */
export async function recordCreated(
  { kysely }: Pick<Database, 'kysely'>,
  id: string,
  { transactionId, url, expires }: CreatedAnswer,
  errorCode: string | null,
  leaseMs: number,
): Promise<Kept<{ transactionId: string; generation: number }[]>> {
  return unlessTaken(kysely, transactionId, () =>
    kysely.transaction().execute(async (db) => {
      const { due } = await recordIntake(db, [{ transactionId, resultId: null }], 'created', leaseMs);
      const { rows } = await sql<{ reference: string | null }>`
        update creations set answered_at = now(), transaction_id = ${transactionId}, url = ${url},
          expires_at = ${expires}, error_code = ${errorCode}
        where id = ${id} returning reference`.execute(db);
      await refer(db, transactionId, rows[0]?.reference ?? null);
      return due;
    }),
  );
}

/** A unique index says that another creation has the transaction. */
export async function unlessTaken<T>(db: Queries, transactionId: string, work: () => Promise<T>): Promise<Kept<T>> {
  try {
    return await work();
  } catch (error) {
    const { code, constraint } = error as { code?: unknown; constraint?: unknown };
    if (code !== uniqueViolation || constraint !== 'creations_transaction') throw error;
    const { rows } = await sql<{ id: string }>`
      select id from creations where transaction_id = ${transactionId}`.execute(db);
    return { isOf: rows[0]?.id ?? 'unknown' };
  }
}

const uniqueViolation = '23505';

/** Records why there is no transaction. @param isRefused the vendor has certainly created none. */
export async function recordFailed(db: Queries, id: string, errorCode: string, isRefused: boolean): Promise<void> {
  await sql`
    update creations set error_code = ${errorCode}, is_refused = ${isRefused},
      answered_at = case when ${isRefused} then now() end
    where id = ${id} and transaction_id is null`.execute(db);
}

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

export type UnansweredCreations = {
  readonly possiblyCreated: number;
  /** Asked for within the last two minutes: a process waits for the answer, or has just died. */
  readonly underWay: number;
};

export async function countUnanswered(db: Queries): Promise<UnansweredCreations> {
  const { rows } = await sql<UnansweredCreations>`
    select count(*) filter (where ${isPossiblyCreated})::int as "possiblyCreated",
      count(*) filter (where not (${isPossiblyCreated}))::int as "underWay"
    from creations where ${isOpen}`.execute(db);
  return rows[0] ?? { possiblyCreated: 0, underWay: 0 };
}

/** How many of them may belong to a month: asked for in it, or within a day before it. */
export async function countPossiblyCreatedIn(db: Queries, { start, end }: Span): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from creations
    where ${isPossiblyCreated} and asked_at < ${end} and asked_at >= ${start}::timestamptz - interval '24 hours'`.execute(
    db,
  );
  return rows[0]?.count ?? 0;
}

/**
 * Forgets addresses that have expired, and what was asked for with them: settings may hold personal data.
 *
 * @returns how many.
 */
export async function forgetExpiredAddresses(db: Queries, now: Date): Promise<number> {
  const { rows } = await sql`
    update creations set url = null, request_sha256 = null
    where (url is not null or request_sha256 is not null) and ${rememberedUntil} < ${now} returning id`.execute(db);
  return rows.length;
}
