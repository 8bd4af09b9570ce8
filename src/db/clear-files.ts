import { type RawBuilder, sql } from 'kysely';
import type { Database, Queries } from './database.ts';
import { type FileKind, insertKeys, type KeyRecord, type StoredFile } from './files.ts';

/** The hash of the content that a file still has in the clear, as SQL; only for {@link hasClear}. */
const clearHash = (f: string): RawBuilder<string> => sql`coalesce(${sql.raw(f)}.clear_sha256, ${sql.raw(f)}.sha256)`;

/** Whether an earlier version stored a file in the clear and its bytes are still there. It is that of an index. */
const hasClear = (f: string): RawBuilder<boolean> => {
  const file = sql.raw(f);
  return sql<boolean>`((${file}.object_name is null and ${file}.sha256 is not null) or ${file}.clear_sha256 is not null)`;
};

/** Which of these hashes the books refer to as stored in the clear. */
export async function clearAmong(db: Queries, hashes: readonly string[]): Promise<Set<string>> {
  const { rows } = await sql<{ sha256: string }>`
    select distinct ${clearHash('f')} as sha256 from files f
    where ${hasClear('f')} and ${clearHash('f')} = any(${hashes}::text[])`.execute(db);
  return new Set(rows.map(({ sha256 }) => sha256));
}

/**
 * The hashes of a transaction's files that were stored in the clear and that no other file has.
 *
 * @param kind only files of that kind.
 */
export async function clearOfOne(db: Queries, transactionId: string, kind?: FileKind): Promise<string[]> {
  const ofThese = (f: string) =>
    sql`${sql.raw(f)}.transaction_id = ${transactionId} and ${kind === undefined ? sql`true` : sql`${sql.raw(f)}.kind = ${kind}`}`;
  const { rows } = await sql<{ sha256: string }>`
    select distinct ${clearHash('f')} as sha256 from files f
    where ${ofThese('f')} and ${hasClear('f')} and not exists (
      select from files o where ${hasClear('o')} and ${clearHash('o')} = ${clearHash('f')} and not (${ofThese('o')}))`.execute(
    db,
  );
  return rows.map(({ sha256 }) => sha256);
}

/** A file that is stored in the clear. */
export type ClearFile = {
  readonly transactionId: string;
  readonly kind: FileKind;
  readonly origin: string;
  readonly position: number;
  readonly sha256: string;
  readonly bytes: string;
  readonly mediaType: string;
};

/** Some files that are stored in the clear. Lost and damaged ones are left for `documents verify --repair`. */
export async function clearFiles(db: Queries, limit: number): Promise<ClearFile[]> {
  const { rows } = await sql<ClearFile>`
    select f.transaction_id as "transactionId", f.kind, f.origin, f.position, f.sha256, f.bytes, f.media_type as "mediaType"
    from files f where f.object_name is null and f.sha256 is not null and f.state = 'stored' and ${hasClear('f')}
    order by ${clearHash('f')} limit ${limit}`.execute(db);
  return rows;
}

/**
 * Records that a file which was stored in the clear is now stored encrypted, too. Its clear bytes are still there.
 *
 * @returns `false` if it was destroyed or stored anew in the meantime, or other masters are in use; nothing is recorded
 *   then, and no key is kept.
 */
export async function recordTakenOver(
  { kysely }: Pick<Database, 'kysely'>,
  { transactionId, kind, origin, position, sha256 }: ClearFile,
  stored: StoredFile,
  key: KeyRecord,
): Promise<boolean> {
  return kysely.transaction().execute(async (db) => {
    if (!(await insertKeys(db, transactionId, key))) return false;
    const { rows } = await sql`
      update files set object_name = ${stored.object_name}, key_id = ${stored.key_id}, sha256 = ${stored.sha256},
        bytes = ${stored.bytes}, clear_sha256 = ${sha256}
      where transaction_id = ${transactionId} and kind = ${kind} and origin = ${origin} and position = ${position}
        and object_name is null and sha256 = ${sha256} and state = 'stored'
      returning origin`.execute(db);
    if (rows.length > 0) return true;
    await sql`delete from document_keys where id = ${key.id}`.execute(db);
    return false;
  });
}

/** Records that a file in the clear is not there, or not as it was stored. */
export async function recordClearAmiss(
  db: Queries,
  { transactionId, kind, origin, position, sha256 }: ClearFile,
  found: 'lost' | 'damaged',
): Promise<void> {
  await sql`
    update files set state = ${found}, verified_at = clock_timestamp()
    where transaction_id = ${transactionId} and kind = ${kind} and origin = ${origin} and position = ${position}
      and object_name is null and sha256 = ${sha256} and state = 'stored'`.execute(db);
}

/** Hashes of clear contents that every file with them is stored without by now. */
export async function clearToRemove(db: Queries, limit: number): Promise<string[]> {
  const { rows } = await sql<{ sha256: string }>`
    select distinct ${clearHash('f')} as sha256 from files f
    where ${hasClear('f')} and f.clear_sha256 is not null and not exists (
      select from files o where ${hasClear('o')} and ${clearHash('o')} = ${clearHash('f')} and o.object_name is null)
    limit ${limit}`.execute(db);
  return rows.map(({ sha256 }) => sha256);
}

/** Records that the clear bytes of a content are removed. */
export async function recordClearRemoved(db: Queries, hash: string): Promise<void> {
  await sql`
    update files f set clear_sha256 = null
    where ${hasClear('f')} and ${clearHash('f')} = ${hash} and f.clear_sha256 is not null`.execute(db);
}

/** How many files still have bytes in the clear. */
export async function countClear(db: Queries): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from files f where ${hasClear('f')} and f.state <> 'lost'`.execute(db);
  return rows[0]?.count ?? 0;
}
