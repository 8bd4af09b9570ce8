import type { Insertable } from 'kysely';
import type { Queries } from './database.ts';
import type { Schema } from './schema.ts';

export type FileKind = Schema['files']['kind'];

/** Where a file was offered: the same offer has the same place, whatever token its URL carries. */
export type FilePlace = { readonly origin: string; readonly position: number };

export type StoredFile = { readonly sha256: string; readonly bytes: string; readonly media_type: string };

export type FileRecord = Omit<Insertable<Schema['files']>, 'recorded_at'>;

/**
 * What is stored of a transaction's files: their places, and contents by hash of their URL.
 *
 * @param isStored whether a content is where it was put; what is lost counts as not stored, so that it is fetched again.
 */
export async function knownFiles(
  db: Queries,
  transactionId: string,
  kind: FileKind,
  isStored: (sha256: string) => Promise<boolean>,
): Promise<{ storedPlaces: Set<string>; byUrl: Map<string, StoredFile> }> {
  const rows = await db
    .selectFrom('files')
    .select(['origin', 'position', 'url_sha256', 'sha256', 'bytes', 'media_type'])
    .where('transaction_id', '=', transactionId)
    .where('kind', '=', kind)
    .where('state', '=', 'stored')
    .execute();
  const byUrl = new Map<string, StoredFile>();
  const storedPlaces = new Set<string>();
  for (const { origin, position, url_sha256, sha256, bytes, media_type } of rows) {
    if (sha256 === null || bytes === null || media_type === null || !(await isStored(sha256))) continue;
    storedPlaces.add(placeKey({ origin, position }));
    if (url_sha256 !== null) byUrl.set(url_sha256, { sha256, bytes, media_type });
  }
  return { storedPlaces, byUrl };
}

export const placeKey = ({ origin, position }: FilePlace): string => `${origin}/${position}`;

/** Records what became of an offered file. A stored file stays stored, unless it was lost and is stored again. */
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
        .where((eb) => eb.or([eb('files.state', '<>', 'stored'), eb('excluded.state', '=', 'stored')])),
    )
    .execute();
}
