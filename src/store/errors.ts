import { LedgerError } from '../errors.ts';
import { asStorageError } from '../reports/publish.ts';
import type { DocumentPlace } from './layout.ts';

/** The user whose permissions apply. */
export const currentUid = (): string => String(process.getuid?.() ?? 'unknown');

/**
 * Turns a file system error in the document store into ours, with the path and the uid. Other errors stay as they are.
 */
export function asStoreError(error: unknown, folder: string): Error {
  const named = asStorageError(error, folder);
  if (!(named instanceof LedgerError) || named === error) return named;
  const { code: cause = '', path: place = folder } = named.cause as NodeJS.ErrnoException;
  return new LedgerError(
    named.code,
    named.code === 'storage_full'
      ? `There is no room left in the document store ${folder}.`
      : `The document store ${folder} cannot be used by uid ${currentUid()}: ${place} (${cause}).`,
    {
      fields: { folder, uid: currentUid(), cause },
      hint:
        named.code === 'storage_full'
          ? 'Make room. Files wait meanwhile, and running workers go on by themselves; start again what has ended.'
          : 'Is the disk mounted, and writable? Run all workers as one user, to whom the folder and all in it belongs (chown -R).',
      cause: named.cause,
    },
  );
}

/** Nothing is ever overwritten. */
export const nameTaken = (place: string, name: string): LedgerError =>
  new LedgerError('storage_conflict', `${place} has an object ${name} already.`, {
    fields: { name },
    hint: 'It is stored under another name at the next try. If it goes on, two sets of books use the same store.',
  });

/** A document that cannot be read as it was stored. */
export const documentDamaged = ({ transactionId, kind, origin, position }: DocumentPlace, why: string): LedgerError =>
  new LedgerError('document_damaged', `The ${kind} ${origin}/${position} of ${transactionId} cannot be read: ${why}.`, {
    fields: { transactionId, kind, origin, position },
    hint: 'npx idscan-ledger documents verify --repair fetches again what the vendor still has.',
  });

const whatToDo = (folder: string): string =>
  `If ${folder} is on a shared or separate disk: mount it. If the disk was lost: npx idscan-ledger documents verify --repair fetches again what the vendor still has.`;

/** Postgres knows a store, but the folder has no marker. */
export const noStoreThere = (folder: string): LedgerError =>
  new LedgerError(
    'store_mismatch',
    `${folder} is not the document store that these books know: it has no store.json.`,
    {
      fields: { folder },
      hint: whatToDo(folder),
    },
  );

/** The folder is the store of other books, or of another machine. */
export const anothersStore = (folder: string): LedgerError =>
  new LedgerError('store_mismatch', `${folder} is a document store, but not the one that these books know.`, {
    fields: { folder },
    hint: 'Mount the right disk, or correct IDSCAN_DATA_DIR or DATABASE_URL. If the database was set up anew on purpose, move the folder away.',
  });

/** Postgres has contents recorded as stored, and none of them is there. */
export const withoutContents = (folder: string): LedgerError =>
  new LedgerError(
    'store_mismatch',
    `${folder} is not the document store of these books: nothing that they claim is stored there.`,
    { fields: { folder }, hint: whatToDo(folder) },
  );

/** The folder is marked as the store, but some of what was looked for is not there. */
export const lacksContents = (folder: string, missing: number, lookedFor: number): LedgerError =>
  new LedgerError(
    'store_mismatch',
    `${missing} of ${lookedFor} stored files that were looked for are not in ${folder}: it is a copy of the store that is not kept up, or files were lost.`,
    {
      fields: { folder, missing, lookedFor },
      hint: 'Does this machine use the folder that all workers share? If it does: npx idscan-ledger documents verify.',
    },
  );
