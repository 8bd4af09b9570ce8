import { type Insertable, sql } from 'kysely';
import { executePrepared, plannedRows, type Queries } from './database.ts';
import { recordset } from './recordset.ts';
import { isDue, withoutFailures } from './obligations.ts';
import type { FileState, Schema } from './schema.ts';

export type FileKind = Schema['files']['kind'];

/** Where a file was offered. The same offer has the same place, whatever token its URL contains. */
export type FilePlace = { readonly origin: string; readonly position: number };

export type StoredFile = { readonly sha256: string; readonly bytes: string; readonly media_type: string };

export type FileRecord = Omit<Insertable<Schema['files']>, 'recorded_at'>;

/** A file that has been stored at some time, as recorded. */
export type HeldFile = FilePlace &
  StoredFile & {
    readonly category: string | null;
    readonly type: string | null;
    readonly name: string | null;
    readonly url_sha256: string | null;
    readonly state: FileState;
  };

/** A transaction's files that have been stored at some time. */
export async function heldFiles(db: Queries, transactionId: string, kind: FileKind): Promise<HeldFile[]> {
  return db
    .selectFrom('files')
    .select(['origin', 'position', 'category', 'type', 'name', 'url_sha256', 'state', 'sha256', 'bytes', 'media_type'])
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

/** The result of fetching a transaction's documents or its audit report. */
export type FetchedFiles = {
  readonly transactionId: string;
  readonly kind: 'documents' | 'audit_report';
  readonly fence: string;
  /** Each with a different place. */
  readonly files: readonly Omit<FileRecord, 'transaction_id' | 'kind'>[];
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
});

/**
 * Records what became of offered files and ends their obligations, in one statement. A file that has been stored never
 * turns into one that never was (`gone`, `refused`): it stays stored, lost or damaged.
 *
 * @param fetched each for a different obligation.
 */
export async function recordFiles(db: Queries, fetched: readonly FetchedFiles[]): Promise<void> {
  const done = fetched.filter(({ isDone }) => isDone);
  const rows = fetched.flatMap(({ transactionId, kind, files }) =>
    files.map((file) => ({ ...file, transaction_id: transactionId, kind: fileKinds[kind] })),
  );
  const planned = plannedRows(fetched.length);
  const statement = sql`
    with file as (
      insert into files as f (${files.names})
      select ${files.values} from ${files.of(rows)}
      on conflict (transaction_id, kind, origin, position) do update set
        ${files.replaced('transaction_id', 'kind', 'origin', 'position')}
      where f.sha256 is null or excluded.sha256 is not null
    )
    update obligations o set state = 'done', sweep_at = null, ${withoutFailures}
    from (
      select * from unnest(${done.map(({ transactionId }) => transactionId)}::text[], ${done.map(({ kind }) => kind)}::text[],
        ${done.map(({ fence }) => fence)}::bigint[]) as one (transaction_id, kind, fence) limit ${sql.lit(planned)}
    ) ended
    where o.transaction_id = ended.transaction_id and o.kind = ended.kind and ${isDue} and o.fence = ended.fence`;
  await executePrepared(db, `record_files_${planned}`, statement);
}
