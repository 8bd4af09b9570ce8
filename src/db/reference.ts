import { sql } from 'kysely';
import type { Queries } from './database.ts';

export type ReferenceKind = 'rules' | 'prices';
/** A version whose content must not change once a closed month depends on it. */
export type ReferenceVersion = {
  readonly kind: 'rule_table' | 'price_list';
  readonly version: string;
  readonly sha256: string;
};

/** Stores the exact bytes of a rules or price file. Idempotent. */
export async function keepFile(db: Queries, kind: ReferenceKind, sha256: string, content: Buffer): Promise<void> {
  await sql`
    insert into reference_files (sha256, kind, content) values (${sha256}, ${kind}, ${content})
    on conflict (sha256) do nothing`.execute(db);
}

/** The bytes of a stored file; `undefined` = no file has this hash. */
export async function keptFile(db: Queries, sha256: string): Promise<Buffer | undefined> {
  const row = await db.selectFrom('reference_files').select('content').where('sha256', '=', sha256).executeTakeFirst();
  return row?.content;
}

/** All price lists that were ever used, the oldest first. */
export async function keptPriceLists(db: Queries): Promise<Buffer[]> {
  const { rows } = await sql<{ content: Buffer }>`
    select f.content from reference_files f
    where f.kind = 'prices' order by (select min(used_from) from price_list_uses u where u.sha256 = f.sha256), f.sha256`.execute(
    db,
  );
  return rows.map(({ content }) => content);
}

/** Fixes the content of the versions that a month is closed with. */
export async function fixVersions(db: Queries, versions: readonly ReferenceVersion[]): Promise<void> {
  for (const { kind, version, sha256 } of versions)
    await sql`
      insert into reference_versions (kind, version, sha256) values (${kind}, ${version}, ${sha256})
      on conflict (kind, version) do nothing`.execute(db);
}

/** Those of the versions that a closed month used with other content. */
export async function changedVersions(db: Queries, versions: readonly ReferenceVersion[]): Promise<ReferenceVersion[]> {
  const fixed = await db.selectFrom('reference_versions').select(['kind', 'version', 'sha256']).execute();
  return versions.filter((one) =>
    fixed.some(({ kind, version, sha256 }) => kind === one.kind && version === one.version && sha256 !== one.sha256),
  );
}

/** Tables that record which file was used since when. */
const uses = { rules: 'rules_uses', prices: 'price_list_uses' } as const;

/** Records which rules or price list reports use from now on, if that has changed. @param sha256 `null` = none. */
export async function noteUse(db: Queries, kind: ReferenceKind, sha256: string | null): Promise<void> {
  const table = sql.table(uses[kind]);
  await sql`
    insert into ${table} (sha256)
    select ${sha256}::text
    where (select sha256 from ${table} order by used_from desc limit 1) is distinct from ${sha256}::text
      or not exists (select from ${table})
    on conflict (used_from) do nothing`.execute(db);
}

/** The file in use at an instant; `undefined` = none was recorded until then. */
export async function usedAt(
  db: Queries,
  kind: ReferenceKind,
  at: Date,
): Promise<{ sha256: string | null } | undefined> {
  return db
    .selectFrom(uses[kind])
    .select('sha256')
    .where('used_from', '<=', at)
    .orderBy('used_from', 'desc')
    .executeTakeFirst();
}
