import { expressionBuilder, type Insertable } from 'kysely';
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

export const fileKey = ({ transaction_id, kind, origin, position }: FileRecord): string =>
  `${transaction_id} ${kind} ${placeKey({ origin, position })}`;

/**
 * Records what became of offered files. A stored file stays stored, unless it was lost and is stored again.
 *
 * @param records of different files.
 */
export async function recordFiles(db: Queries, records: readonly FileRecord[]): Promise<void> {
  const excluded = expressionBuilder<Schema & { excluded: Schema['files'] }, 'excluded'>();
  await db
    .insertInto('files')
    .values(records)
    .onConflict((conflict) =>
      conflict
        .columns(['transaction_id', 'kind', 'origin', 'position'])
        .doUpdateSet({
          category: excluded.ref('excluded.category'),
          type: excluded.ref('excluded.type'),
          name: excluded.ref('excluded.name'),
          url_sha256: excluded.ref('excluded.url_sha256'),
          state: excluded.ref('excluded.state'),
          sha256: excluded.ref('excluded.sha256'),
          bytes: excluded.ref('excluded.bytes'),
          media_type: excluded.ref('excluded.media_type'),
          error_code: excluded.ref('excluded.error_code'),
        })
        .where((eb) => eb.or([eb('files.state', '<>', 'stored'), eb('excluded.state', '=', 'stored')])),
    )
    .execute();
}
