import type { Insertable } from 'kysely';
import type { Queries } from './database.ts';
import type { Schema } from './schema.ts';

export type FileKind = Schema['files']['kind'];

/** Where a file was offered: the same offer has the same place, whatever token its URL carries. */
export type FilePlace = { readonly origin: string; readonly position: number };

export type StoredFile = { readonly sha256: string; readonly bytes: string; readonly media_type: string };

export type FileRecord = Omit<Insertable<Schema['files']>, 'recorded_at'>;

/** What is known of a transaction's files: places that need no further work, and stored contents by hash of their URL. */
export async function knownFiles(
  db: Queries,
  transactionId: string,
  kind: FileKind,
): Promise<{ settledPlaces: Set<string>; byUrl: Map<string, StoredFile> }> {
  const rows = await db
    .selectFrom('files')
    .select(['origin', 'position', 'state', 'url_sha256', 'sha256', 'bytes', 'media_type'])
    .where('transaction_id', '=', transactionId)
    .where('kind', '=', kind)
    .where('state', '=', 'stored')
    .execute();
  const byUrl = new Map<string, StoredFile>();
  for (const { url_sha256, sha256, bytes, media_type } of rows)
    if (url_sha256 !== null && sha256 !== null && bytes !== null && media_type !== null)
      byUrl.set(url_sha256, { sha256, bytes, media_type });
  return { settledPlaces: new Set(rows.map(placeKey)), byUrl };
}

export const placeKey = ({ origin, position }: FilePlace): string => `${origin}/${position}`;

/** Records what became of an offered file. A stored file stays stored. */
export async function recordFile(db: Queries, record: FileRecord): Promise<void> {
  await db
    .insertInto('files')
    .values(record)
    .onConflict((conflict) =>
      conflict
        .columns(['transaction_id', 'kind', 'origin', 'position'])
        .doUpdateSet({
          category: record.category ?? null,
          type: record.type ?? null,
          name: record.name ?? null,
          url_sha256: record.url_sha256 ?? null,
          state: record.state,
          sha256: record.sha256 ?? null,
          bytes: record.bytes ?? null,
          media_type: record.media_type ?? null,
          error_code: record.error_code ?? null,
        })
        .where('files.state', '<>', 'stored'),
    )
    .execute();
}
