import { type Kysely, sql } from 'kysely';

/**
 * Transactions that the vendor was asked to create, and what came of it. The row is committed before the vendor is
 * asked. One without an answer may have been created: it stays listed until somebody has looked after it. The address
 * for the person who is verified is kept until it expires, so that a repeated request gets the same. References are
 * whom the cost may be charged on to.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table creations (
      id uuid primary key default gen_random_uuid(),
      idempotency_key text collate "C" unique check (idempotency_key <> ''),
      request_sha256 text collate "C" not null check (request_sha256 ~ '^[0-9a-f]{64}$'),
      reference text collate "C" check (reference ~ '^[A-Za-z0-9._:-]{1,64}$'),
      asked_at timestamptz not null default now(),
      asked_by text not null check (asked_by <> ''),
      answered_at timestamptz,
      transaction_id text collate "C" references transactions,
      url text,
      expires_at timestamptz,
      error_code text check (error_code ~ '^[a-z_]{1,60}$'),
      is_refused boolean not null default false,
      resolved_at timestamptz,
      resolved_by text,
      resolution text,
      check (url is null or transaction_id is not null),
      check (not is_refused or (error_code is not null and transaction_id is null)),
      check (num_nulls(resolved_at, resolved_by, resolution) in (0, 3))
    )`.execute(db);
  await sql`
    create index creations_unanswered on creations (asked_at)
    where transaction_id is null and not is_refused and resolved_at is null`.execute(db);
  await sql`create index creations_transaction on creations (transaction_id)`.execute(db);
  await sql`create index creations_url on creations (expires_at) where url is not null`.execute(db);
  await sql`
    create table transaction_references (
      transaction_id text collate "C" primary key references transactions,
      reference text collate "C" not null check (reference ~ '^[A-Za-z0-9._:-]{1,64}$'),
      recorded_at timestamptz not null default now()
    )`.execute(db);
  await sql`
    create trigger refuse_change before update or delete or truncate on transaction_references
    for each statement execute function refuse_change()`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table transaction_references, creations`.execute(db);
}
