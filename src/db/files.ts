import { type Insertable, type RawBuilder, sql } from 'kysely';
import { executePrepared, plannedRows, type Queries } from './database.ts';
import { recordset } from './recordset.ts';
import { isDue, withoutFailures } from './obligations.ts';
import type { FileState, Schema } from './schema.ts';

export type FileKind = Schema['files']['kind'];

/** Where a file was offered. The same offer has the same place, whatever token its URL contains. */
export type FilePlace = { readonly origin: string; readonly position: number };

/** Where a file lies in the store, with the hash and the size of what lies there. */
export type StoredFile = {
  readonly sha256: string;
  readonly bytes: string;
  readonly media_type: string;
  /** `null`: an earlier version stored it in the clear, under the hash of its content. */
  readonly object_name: string | null;
  /** The key it is encrypted with; `null` exactly if `object_name` is. */
  readonly key_id: string | null;
};

export type FileRecord = Omit<Insertable<Schema['files']>, 'recorded_at'>;

/** A file that has been stored at some time, as recorded. */
export type HeldFile = FilePlace &
  StoredFile & {
    readonly category: string | null;
    readonly type: string | null;
    readonly name: string | null;
    readonly url_sha256: string | null;
    readonly state: FileState;
    /** `false`: its key is not in the books any more, so nobody can open it. */
    readonly has_key: boolean;
  };

/** Whether a file's key is in the books, or it needs none because it is stored in the clear, as SQL. */
export const hasKey = sql<boolean>`(files.key_id is null or exists (select from document_keys k where k.id = files.key_id))`;

/** A transaction's files that have been stored at some time. */
export async function heldFiles(db: Queries, transactionId: string, kind: FileKind): Promise<HeldFile[]> {
  return db
    .selectFrom('files')
    .select(['origin', 'position', 'category', 'type', 'name', 'url_sha256', 'state'])
    .select(['sha256', 'bytes', 'media_type', 'object_name', 'key_id'])
    .select(hasKey.as('has_key'))
    .where('transaction_id', '=', transactionId)
    .where('kind', '=', kind)
    .where('sha256', 'is not', null)
    .where('bytes', 'is not', null)
    .where('media_type', 'is not', null)
    .orderBy('origin')
    .orderBy('position')
    .$narrowType<{ sha256: string; bytes: string; media_type: string }>()
    .execute();
}

export const placeKey = ({ origin, position }: FilePlace): string => `${origin}/${position}`;

/** A key that files are encrypted with, sealed to each master. */
export type KeyRecord = {
  readonly id: string;
  readonly seals: readonly { readonly master: Buffer; readonly sealed: Buffer }[];
};

/** The result of fetching a transaction's documents or its audit report. */
export type FetchedFiles = {
  readonly transactionId: string;
  readonly kind: 'documents' | 'audit_report';
  readonly fence: string;
  /** Each with a different place. */
  readonly files: readonly Omit<FileRecord, 'transaction_id' | 'kind'>[];
  /** The key of the files that were stored anew; `undefined` = there are none. */
  readonly key?: KeyRecord | undefined;
  /** Whether nothing is left to fetch. The obligation then ends, unless a later start has taken over. */
  readonly isDone: boolean;
};

const fileKinds = { documents: 'document', audit_report: 'audit_report' } as const satisfies Record<string, FileKind>;

const files = recordset({
  transaction_id: 'text',
  kind: 'text',
  origin: 'text',
  position: 'integer',
  category: 'text',
  type: 'text',
  name: 'text',
  url_sha256: 'text',
  state: 'text',
  sha256: 'text',
  bytes: 'bigint',
  media_type: 'text',
  error_code: 'text',
  object_name: 'text',
  key_id: 'uuid',
});

const keys = recordset({ id: 'uuid', master: 'bytea', transaction_id: 'text', sealed: 'bytea' });

/** A bytea in JSON. */
const bytea = (bytes: Buffer): string => `\\x${bytes.toString('hex')}`;

const sealRows = (transactionId: string, key: KeyRecord | undefined) =>
  (key?.seals ?? []).map(({ master, sealed }) => ({
    id: key?.id,
    master: bytea(master),
    transaction_id: transactionId,
    sealed: bytea(sealed),
  }));

/**
 * Masters, and whether each is in use, as SQL. Whoever changes them waits, or is waited for: what is seen is what counts
 * until the end of the transaction.
 */
const lockedMasters = sql`select public_key, in_use_since is not null and retired_at is null as is_in_use
  from document_masters for share`;

/** Whether a key is sealed to exactly the masters in use, as SQL; of `master` and `seal`, which are those above and `j`. */
const isSealedToAll = (keyId: string): RawBuilder<boolean> => sql<boolean>`not exists (
  select from (select s.master from seal s where s.id = ${sql.raw(keyId)}) one
  full join (select m.public_key from master m where m.is_in_use) other on one.master = other.public_key
  where one.master is null or other.public_key is null)`;

/**
 * Keeps a key of a transaction.
 *
 * @returns `false` if its documents were erased, or it is not sealed to the masters in use: then no key is kept.
 */
export async function insertKeys(db: Queries, transactionId: string, key: KeyRecord): Promise<boolean> {
  const { rows } = await sql`
    with master as materialized (${lockedMasters}),
      seal as materialized (select j.* from ${keys.of(sealRows(transactionId, key))})
    insert into document_keys (${keys.names}) select ${keys.values} from seal j where ${isSealedToAll('j.id')}
    returning id`.execute(db);
  return rows.length > 0;
}

/**
 * Records what became of offered files, with the key of those that were stored, and ends their obligations, in one
 * statement. A file that has been stored never turns into one that never was (`gone`, `refused`): it stays stored, lost
 * or damaged. If a later start has taken over, nothing is recorded; the lock keeps one from beginning meanwhile, which would remove
 * what is not recorded yet. Nor are files of a transaction whose documents were
 * erased meanwhile: the database keeps no key for them.
 *
 * @param fetched each for a different obligation.
 * @returns for each, whether a later start has not taken over.
 */
export async function recordFiles(db: Queries, fetched: readonly FetchedFiles[]): Promise<boolean[]> {
  const rows = fetched.flatMap(({ transactionId, kind, files }) =>
    files.map((file) => ({ ...file, transaction_id: transactionId, kind: fileKinds[kind] })),
  );
  const seals = fetched.flatMap(({ transactionId, key }) => sealRows(transactionId, key));
  const planned = plannedRows(fetched.length);
  const statement = sql<{ transaction_id: string; kind: string }>`
    with given as (
      select * from unnest(${fetched.map(({ transactionId }) => transactionId)}::text[], ${fetched.map(({ kind }) => kind)}::text[],
        ${fetched.map(({ fence }) => fence)}::bigint[], ${fetched.map(({ isDone }) => isDone)}::boolean[],
        ${fetched.map(({ key }) => key?.id ?? null)}::uuid[])
        as one (transaction_id, kind, fence, is_done, key_id) limit ${sql.lit(planned)}
    ), locked as (
      select o.transaction_id, o.kind, o.fence from obligations o join given using (transaction_id, kind)
      for no key update of o
    ), master as materialized (
      ${lockedMasters}
    ), seal as materialized (
      select j.* from ${keys.of(seals)}
    ), current as (
      select given.* from given left join locked using (transaction_id, kind)
      where (locked.fence is null or locked.fence <= given.fence)
        and (given.key_id is null or ${isSealedToAll('given.key_id')})
    ), key as (
      insert into document_keys (${keys.names}) select ${keys.values} from seal j
      where j.id in (select key_id from current) returning id
    ), file as (
      insert into files as f (${files.names})
      select ${files.values} from ${files.of(rows)}
      where (j.transaction_id, case j.kind when 'document' then 'documents' else j.kind end)
          in (select transaction_id, kind from current)
        and (j.key_id is null or j.key_id in (select id from key) or exists (select from document_keys k where k.id = j.key_id))
      on conflict (transaction_id, kind, origin, position) do update set
        ${files.replaced('transaction_id', 'kind', 'origin', 'position')},
        clear_sha256 = case when f.object_name is null and excluded.object_name is not null then f.sha256
          else f.clear_sha256 end
      where f.state <> 'erased' and (f.sha256 is null or excluded.sha256 is not null)
    ), ended as (
      update obligations o set state = 'done', sweep_at = null, ${withoutFailures}
      from current given
      where o.transaction_id = given.transaction_id and o.kind = given.kind and given.is_done and ${isDue}
        and o.fence = given.fence
    )
    select transaction_id, kind from current`;
  const { rows: current } = await executePrepared(db, `record_files_${planned}`, statement);
  const recorded = new Set(current.map(({ transaction_id, kind }) => `${transaction_id} ${kind}`));
  return fetched.map(({ transactionId, kind }) => recorded.has(`${transactionId} ${kind}`));
}
