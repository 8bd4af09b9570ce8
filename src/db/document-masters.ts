import { sql } from 'kysely';
import type { Database, Queries } from './database.ts';

/** Serialises changes of the masters in use. A number of this program's own. */
const mastersLock = 0x1d5ca2;

/** The public keys that every document key is sealed to, oldest first. None before the first worker. */
export async function mastersInUse(db: Queries): Promise<Buffer[]> {
  const rows = await db
    .selectFrom('document_masters')
    .select('public_key')
    .where('in_use_since', 'is not', null)
    .where('retired_at', 'is', null)
    .orderBy('in_use_since')
    .orderBy('public_key')
    .execute();
  return rows.map(({ public_key }) => public_key);
}

/**
 * Takes masters into use unless some are. If several processes try at once, one succeeds.
 *
 * @returns those that are in use now.
 */
export async function useFirstMasters(
  { kysely }: Pick<Database, 'kysely'>,
  masters: readonly Buffer[],
): Promise<Buffer[]> {
  return kysely.transaction().execute(async (db) => {
    await sql`select pg_advisory_xact_lock(${mastersLock})`.execute(db);
    const found = await mastersInUse(db);
    if (found.length > 0) return found;
    await db
      .insertInto('document_masters')
      .values(masters.map((public_key) => ({ public_key, in_use_since: sql<Date>`now()` })))
      .onConflict((conflict) => conflict.column('public_key').doUpdateSet({ in_use_since: sql<Date>`now()` }))
      .execute();
    return mastersInUse(db);
  });
}

/** Notes masters that keys are about to be sealed to. They are not in use before {@link changeMasters}. */
export async function addMasters(db: Queries, masters: readonly Buffer[]): Promise<void> {
  await db
    .insertInto('document_masters')
    .values(masters.map((public_key) => ({ public_key })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** A document key with every box that it is sealed in. */
export type SealedEverywhere = {
  readonly id: string;
  readonly transactionId: string;
  readonly seals: readonly { readonly master: Buffer; readonly sealed: Buffer }[];
};

/**
 * The next keys that are not sealed to all of these masters, in the order of their IDs.
 *
 * @param after the last key of the previous batch.
 */
export async function keysToSeal(
  db: Queries,
  masters: readonly Buffer[],
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): Promise<SealedEverywhere[]> {
  const { rows } = await sql<{ id: string; transactionId: string; masters: Buffer[]; boxes: Buffer[] }>`
    select id, min(transaction_id) as "transactionId", array_agg(master order by master) as masters,
      array_agg(sealed order by master) as boxes
    from document_keys where ${after === undefined ? sql`true` : sql`id > ${after}::uuid`}
    group by id having count(*) filter (where master = any(${masters}::bytea[])) < ${masters.length}
    order by id limit ${limit}`.execute(db);
  return rows.map(({ id, transactionId, masters: found, boxes }) => ({
    id,
    transactionId,
    seals: found.flatMap((master, index) => (boxes[index] ? [{ master, sealed: boxes[index] }] : [])),
  }));
}

/** A box of a key that is there already. */
export type FurtherSeal = {
  readonly id: string;
  readonly transactionId: string;
  readonly master: Buffer;
  readonly sealed: Buffer;
};

/** Keeps further boxes of keys. A key that was destroyed in the meantime stays destroyed. */
export async function addSeals({ kysely }: Pick<Database, 'kysely'>, seals: readonly FurtherSeal[]): Promise<void> {
  await kysely.transaction().execute(async (db) => {
    // Whoever destroys keys has the same rows locked. The next statement sees what is left.
    await sql`
      select from transactions where id = any(${seals.map(({ transactionId }) => transactionId)}::text[])
      order by id for key share`.execute(db);
    await sql`
      insert into document_keys (id, master, transaction_id, sealed)
      select distinct k.id, one.master, k.transaction_id, one.sealed
      from unnest(${seals.map(({ id }) => id)}::uuid[], ${seals.map(({ master }) => master)}::bytea[],
        ${seals.map(({ sealed }) => sealed)}::bytea[]) as one (id, master, sealed) join document_keys k using (id)
      on conflict do nothing`.execute(db);
  });
}

/**
 * Takes these masters into use instead of the others, and drops the boxes of the others where a key is sealed to all of
 * these.
 *
 * @returns how many keys are still sealed to others alone, as a running worker may have stored one meanwhile.
 */
export async function changeMasters({ kysely }: Pick<Database, 'kysely'>, masters: readonly Buffer[]): Promise<number> {
  await kysely.transaction().execute(async (db) => {
    await sql`select pg_advisory_xact_lock(${mastersLock})`.execute(db);
    await sql`
      update document_masters set in_use_since = coalesce(in_use_since, now()), retired_at = null
      where public_key = any(${masters}::bytea[])`.execute(db);
    await sql`
      update document_masters set retired_at = greatest(now(), in_use_since)
      where not public_key = any(${masters}::bytea[]) and in_use_since is not null and retired_at is null`.execute(db);
  });
  while ((await dropOthers(kysely, masters)) === droppedAtOnce);
  return keysOnRetired(kysely);
}

/** Keeps locks short: there may be millions. */
const droppedAtOnce = 10_000;

/** Drops some boxes of other masters, where a key is sealed to all of these. @returns how many. */
async function dropOthers(db: Queries, masters: readonly Buffer[]): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    with dropped as (
      delete from document_keys k using (
        select k.id, k.master from document_keys k
        join document_masters m on m.public_key = k.master and not m.public_key = any(${masters}::bytea[])
        where (select count(*) from document_keys o where o.id = k.id and o.master = any(${masters}::bytea[])) = ${masters.length}
        limit ${droppedAtOnce}
      ) one where k.id = one.id and k.master = one.master returning k.id
    )
    select count(*)::int as count from dropped`.execute(db);
  return rows[0]?.count ?? 0;
}

/** How many keys are sealed to no master that is in use. */
export async function keysOnRetired(db: Queries): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(distinct k.id)::int as count from document_keys k join document_masters m on m.public_key = k.master
    where m.retired_at is not null and not exists (
      select from document_keys o join document_masters u on u.public_key = o.master
      where o.id = k.id and u.retired_at is null and u.in_use_since is not null)`.execute(db);
  return rows[0]?.count ?? 0;
}
