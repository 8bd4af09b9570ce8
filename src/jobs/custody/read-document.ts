import { createHash } from 'node:crypto';
import { type DocumentAccess, isClosedForReading, readableNow, recordAccess } from '../../db/document-accesses.ts';
import { knownStore } from '../../db/document-store.ts';
import type { StoredFile } from '../../db/files.ts';
import { sealsOf, storedDocument } from '../../db/stored-documents.ts';
import { errorCode, LedgerError } from '../../errors.ts';
import { decrypted } from '../../store/encryption/decrypt.ts';
import { type MasterPair, masterText, unseal } from '../../store/encryption/keys.ts';
import { asStoreError, documentDamaged } from '../../store/errors.ts';
import { clearName, type DocumentPlace, placeIn } from '../../store/layout.ts';
import type { ObjectStore, StoredObject } from '../../store/object-store.ts';
import { ensureMarked } from '../../store/open.ts';
import type { Context } from '../context.ts';

/** What reading needs: the primary database, and the store, opened or not. */
export type ReadingContext = Pick<Context, 'db'> & { readonly store: ObjectStore };

/** Who reads, why and from where. */
export type Reader = Pick<DocumentAccess, 'accessedBy' | 'reason' | 'via' | 'address'>;

/** A document may have 25 MiB; encrypting adds a header, and 17 bytes to each chunk of 64 KiB. */
const maxStoredBytes = 26 * 1_024 ** 2;

/**
 * Reads a document for somebody. Records the access, and then gets what is stored, compares it with its hash in Postgres
 * and decrypts it. A document that an earlier version stored in the clear is compared alone. What was closed or destroyed
 * meanwhile is not returned.
 *
 * @param secretKeys the pairs on this machine; one of them has to fit.
 * @throws LedgerError `document_closed`, `not_found` without a record, or with one if that came meanwhile;
 * `document_damaged`, `master_missing`, `store_mismatch`, `storage_failed` with one; `database_unavailable`, where nothing
 * is returned
 */
export async function readDocument(
  context: ReadingContext,
  secretKeys: readonly MasterPair[],
  place: DocumentPlace,
  reader: Reader,
): Promise<{ readonly content: Buffer; readonly mediaType: string }> {
  const { db } = context;
  const { transactionId } = place;
  const file = await storedDocument(db.kysely, transactionId, place);
  if (!file)
    throw (await isClosedForReading(db.kysely, transactionId)) ? documentsClosed(transactionId) : nothingThere();
  if (!(await recordAccess(db, { ...place, ...reader }))) throw documentsClosed(transactionId);
  try {
    const content = await contentOf(context, secretKeys, place, file);
    // A store may take minutes, and who has closed the documents was told that nobody reads them.
    await ensureReadable(context, place);
    return { content, mediaType: file.media_type };
  } catch (error) {
    // Whoever destroys them removes the key and the object under the reader.
    if (errorCode(error) === 'document_damaged' && (await isClosedForReading(db.kysely, transactionId)))
      throw documentsClosed(transactionId);
    throw error;
  }
}

/** @throws LedgerError `document_closed`; `not_found` if retention has destroyed it */
async function ensureReadable({ db }: ReadingContext, place: DocumentPlace): Promise<void> {
  const { isClosed, isLeft } = await readableNow(db.kysely, place);
  if (isClosed) throw documentsClosed(place.transactionId);
  if (!isLeft) throw nothingThere();
}

async function contentOf(
  context: ReadingContext,
  secretKeys: readonly MasterPair[],
  place: DocumentPlace,
  file: StoredFile,
): Promise<Buffer> {
  const { object_name: name, key_id: keyId } = file;
  if (name === null || keyId === null) return storedBytes(context, place, file);
  // Files with the same URL share an object, which is encrypted as that of the first of them.
  const storedAs = placeIn(name);
  if (storedAs?.transactionId !== place.transactionId || storedAs.kind !== place.kind)
    throw documentDamaged(place, 'the books say that it is stored as another one');
  const key = await keyOf(context, secretKeys, place, keyId);
  return decrypted(await storedBytes(context, place, file), { ...storedAs, keyId }, key);
}

/** The bytes in the store, if they are those that were stored. */
async function storedBytes(context: ReadingContext, place: DocumentPlace, file: StoredFile): Promise<Buffer> {
  const { sha256, bytes } = file;
  const object = { name: file.object_name ?? clearName(sha256), sha256, bytes };
  const expectedBytes = Number(bytes);
  if (expectedBytes > maxStoredBytes) throw documentDamaged(place, 'it is larger than any document');
  const hash = createHash('sha256');
  // Copied as it comes, so that the whole is never copied at once, which would hold up everything else.
  const whole = Buffer.allocUnsafe(expectedBytes);
  let readBytes = 0;
  try {
    for await (const piece of await context.store.get(object.name)) {
      if (readBytes + piece.length > expectedBytes) throw changedSince(place);
      hash.update(piece);
      whole.set(piece, readBytes);
      readBytes += piece.length;
    }
  } catch (error) {
    throw await whyUnread(context, place, object, error);
  }
  if (readBytes !== expectedBytes || hash.digest('hex') !== sha256) throw changedSince(place);
  return whole;
}

const changedSince = (place: DocumentPlace): LedgerError =>
  documentDamaged(place, 'it was changed since it was stored');

/** What is wrong where the store did not hand out an object: the object, its disk, or the way to it. */
async function whyUnread(
  { db, store }: ReadingContext,
  place: DocumentPlace,
  object: StoredObject,
  error: unknown,
): Promise<Error> {
  const failure = asStoreError(error, store.place);
  if (errorCode(failure) !== 'storage_failed') return failure;
  const found = await store.examine(object);
  if (found === 'stored') return failure;
  if (found === 'damaged') return documentDamaged(place, 'something else is in its place in the store');
  const id = await knownStore(db.kysely);
  if (id !== undefined) await ensureMarked({ ...store, id });
  return documentDamaged(place, 'it is not in the store');
}

/** The key of a document, opened. */
async function keyOf(
  { db }: ReadingContext,
  secretKeys: readonly MasterPair[],
  place: DocumentPlace,
  keyId: string,
): Promise<Buffer> {
  const seals = await sealsOf(db.kysely, keyId);
  if (seals.length === 0) throw documentDamaged(place, 'its key is not in the books');
  for (const { master, sealed } of seals) {
    const pair = secretKeys.find(({ publicKey }) => publicKey.equals(master));
    if (!pair) continue;
    const key = unseal(sealed, pair);
    if (!key) throw documentDamaged(place, 'its key was changed in the books');
    return key;
  }
  const masters = seals.map(({ master }) => masterText(master)).join(', ');
  throw new LedgerError('master_missing', `No secret key on this machine opens the document: it is for ${masters}.`, {
    fields: { masters },
    hint: 'Put the secret key of one of these into the file that DOCUMENTS_SECRET_KEY_FILE names.',
  });
}

/** Nobody reads what is to be erased, or was. */
export const documentsClosed = (transactionId: string): LedgerError =>
  new LedgerError('document_closed', `The documents of ${transactionId} are closed: they are to be erased, or were.`, {
    fields: { transactionId },
    hint: `As long as nothing is destroyed, npx idscan-ledger erase --transaction ${transactionId} --cancel opens them again.`,
  });

const nothingThere = (): LedgerError =>
  new LedgerError('not_found', 'No such document is stored.', {
    hint: 'npx idscan-ledger documents list, or the transaction’s page, says what there is.',
  });
