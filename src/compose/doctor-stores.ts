import { access, stat } from 'node:fs/promises';
import type { Config } from '../config/config.ts';
import { booksId } from '../db/books-id.ts';
import type { Database } from '../db/database.ts';
import { mastersInUse } from '../db/document-masters.ts';
import { knownStore } from '../db/document-store.ts';
import { custodyStatus, type CustodyStatus } from '../db/erasure-receipts.ts';
import { counted } from '../domain/wording.ts';
import { LedgerError } from '../errors.ts';
import { checkFolder, checkRoom } from '../jobs/check-folder.ts';
import { isStoreWanted } from '../jobs/context.ts';
import { masterText } from '../store/encryption/keys.ts';
import { checkMasters } from '../store/encryption/masters.ts';
import { checkStore, documentStore } from '../store/open.ts';
import { draftsBelow } from '../store/reports.ts';
import { checkS3Reports } from '../store/s3-reports.ts';

/**
 * Looks at the document store, if files are fetched or the books know one: what is to be erased lies there.
 *
 * @returns what it found.
 * @throws LedgerError `blocked` if keys are sealed to a retired master alone; what is wrong with the store or the masters
 */
export async function examineDocuments(config: Config, db: Database): Promise<string> {
  const { dataDir, documents } = config;
  if (!isStoreWanted(config) && (await knownStore(db.kysely)) === undefined)
    return 'no store: FETCH_DOCUMENTS and FETCH_AUDIT_REPORTS are false, and nothing was ever stored';
  const checked = [await checkStore(db.kysely, documentStore(config)), await checkMasters(db, config)];
  const status = await custodyStatus(db.kysely);
  if (status.onRetired > 0) throw onRetired(status.onRetired, await mastersInUse(db.kysely));
  const found = [...checked, ...(await readableByAll(config)), ...leftToDo(status)].join('; ');
  if (documents !== undefined) return found;
  const hasFolder = await access(dataDir).then(
    () => true,
    () => false,
  );
  return hasFolder ? `${found}, ${await checkRoom(dataDir)}` : found;
}

/**
 * Reports for S3 are written on this machine first.
 *
 * @param books `undefined` = they cannot be asked whose they are.
 */
export async function examineReports(
  { dataDir, reportsDir, reports }: Config,
  books: Database | undefined,
): Promise<string> {
  if (reports === undefined) return checkFolder(reportsDir);
  return `${await checkS3Reports(reports, books && (await booksId(books.kysely)))}; ${await checkFolder(draftsBelow(dataDir))}`;
}

/** What custody has left to do, in words. */
const leftToDo = ({ clear }: CustodyStatus): string[] =>
  clear > 0 ? [`${clear} left in the clear, which workers encrypt`] : [];

/** Whoever throws the former secret key away loses documents. */
const onRetired = (keys: number, inUse: readonly Buffer[]): LedgerError =>
  new LedgerError(
    'blocked',
    `${counted(keys, 'document key')} ${keys === 1 ? 'is' : 'are'} sealed to a retired master alone: only its secret key opens these documents.`,
    {
      fields: { keys },
      hint: `Keep that secret key, and where DOCUMENTS_SECRET_KEY_FILE has it: npx idscan-ledger documents rotate --to ${inUse.map(masterText).join(',')}`,
    },
  );

/** What everybody may read is no secret. It is only said: what is mounted into a container often is readable there. */
async function readableByAll({ custody: { secretKeyFile } }: Config): Promise<string[]> {
  if (secretKeyFile === undefined) return [];
  const { mode } = await stat(secretKeyFile);
  const isForOthers = mode % 0o10 !== 0;
  return isForOthers ? [`everybody on this machine can read the secret key in ${secretKeyFile}: chmod 600`] : [];
}
