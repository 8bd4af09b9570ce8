import type { Queries } from './database.ts';
import type { FileKind, FilePlace, StoredFile } from './files.ts';
import type { FileState } from './schema.ts';

/** A document or audit report that the vendor offered, whatever became of it. */
export type DocumentRow = FilePlace & {
  readonly kind: FileKind;
  /** The vendor's words. */
  readonly category: string | null;
  readonly type: string | null;
  readonly name: string | null;
  readonly mediaType: string | null;
  readonly state: FileState;
  readonly recordedAt: Date;
  /** Size of what lies in the store: encrypted, it is a little larger than the document. */
  readonly bytes: string | null;
};

/** What there is of a transaction; `undefined` = the books do not know it. */
export async function documentRows(db: Queries, transactionId: string): Promise<DocumentRow[] | undefined> {
  const known = await db.selectFrom('transactions').select('id').where('id', '=', transactionId).executeTakeFirst();
  if (!known) return undefined;
  return db
    .selectFrom('files')
    .select(['kind', 'origin', 'position', 'category', 'type', 'name', 'media_type as mediaType'])
    .select(['state', 'recorded_at as recordedAt', 'bytes'])
    .where('transaction_id', '=', transactionId)
    .orderBy('kind', 'desc')
    .orderBy('origin')
    .orderBy('position')
    .execute();
}

/** Where a document lies; `undefined` = nothing was ever stored there, or nothing is left of it. */
export async function storedDocument(
  db: Queries,
  transactionId: string,
  { kind, origin, position }: FilePlace & { readonly kind: FileKind },
): Promise<StoredFile | undefined> {
  return db
    .selectFrom('files')
    .select(['sha256', 'bytes', 'media_type', 'object_name', 'key_id'])
    .where('transaction_id', '=', transactionId)
    .where('kind', '=', kind)
    .where('origin', '=', origin)
    .where('position', '=', position)
    .where('sha256', 'is not', null)
    .where('bytes', 'is not', null)
    .where('media_type', 'is not', null)
    .$narrowType<{ sha256: string; bytes: string; media_type: string }>()
    .executeTakeFirst();
}

/** A document key, sealed to each master that may open it. None is left once it is erased. */
export async function sealsOf(db: Queries, keyId: string): Promise<{ master: Buffer; sealed: Buffer }[]> {
  return db.selectFrom('document_keys').select(['master', 'sealed']).where('id', '=', keyId).execute();
}
