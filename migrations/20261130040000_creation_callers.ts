import { type Kysely, sql } from 'kysely';

/**
 * An idempotency key is its caller's: two callers may use the same one. A transaction is that of one creation; where two
 * were noted for one, the later is to be looked after again. The hash of a request is kept as long as the address is:
 * settings may hold personal data. Those that were kept are dropped, so older keys are answered whatever the request.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table creations drop constraint creations_idempotency_key_key`.execute(db);
  await sql`
    alter table creations add constraint creations_key_of_caller unique (asked_by, idempotency_key)`.execute(db);
  await sql`
    update creations c set transaction_id = null, url = null, expires_at = null, resolved_at = null, resolved_by = null,
      resolution = null
    where exists (select from creations e
      where e.transaction_id = c.transaction_id and (e.asked_at, e.id) < (c.asked_at, c.id))`.execute(db);
  await sql`drop index creations_transaction`.execute(db);
  await sql`
    create unique index creations_transaction on creations (transaction_id) where transaction_id is not null`.execute(
    db,
  );
  await sql`alter table creations alter column request_sha256 drop not null`.execute(db);
  await sql`update creations set request_sha256 = null`.execute(db);
  await sql`drop index creations_url`.execute(db);
  await sql`
    create index creations_remembered on creations (asked_at)
    where url is not null or request_sha256 is not null`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`
    do $$ begin
      if exists (select from creations where idempotency_key is not null
        group by idempotency_key having count(*) > 1) then
        raise exception 'two callers used the same idempotency key: an earlier version would mix them up'
          using errcode = 'restrict_violation';
      end if;
    end $$`.execute(db);
  await sql`drop index creations_remembered`.execute(db);
  await sql`create index creations_url on creations (expires_at) where url is not null`.execute(db);
  await sql`update creations set request_sha256 = repeat('0', 64) where request_sha256 is null`.execute(db);
  await sql`alter table creations alter column request_sha256 set not null`.execute(db);
  await sql`drop index creations_transaction`.execute(db);
  await sql`create index creations_transaction on creations (transaction_id)`.execute(db);
  await sql`alter table creations drop constraint creations_key_of_caller`.execute(db);
  await sql`alter table creations add constraint creations_idempotency_key_key unique (idempotency_key)`.execute(db);
}
