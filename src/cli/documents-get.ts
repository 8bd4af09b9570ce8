import { lstat, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { composeBooks } from '../compose/books.ts';
import { type FileKind, placeKey } from '../db/files.ts';
import type { DocumentRow } from '../db/stored-documents.ts';
import { counted } from '../domain/wording.ts';
import { type ErrorCode, LedgerError } from '../errors.ts';
import { makeFolder, syncFolder } from '../folders.ts';
import { fileNameOf } from '../jobs/custody/file-names.ts';
import { listDocuments, wasStored } from '../jobs/custody/list-documents.ts';
import { documentsClosed, readDocument, type Reader, type ReadingContext } from '../jobs/custody/read-document.ts';
import { reasonIn } from '../jobs/custody/reason.ts';
import { asStorageError } from '../reports/publish.ts';
import type { MasterPair } from '../store/encryption/keys.ts';
import { readSecretKeys } from '../store/encryption/masters.ts';
import { documentStore } from '../store/open.ts';
import { currentUser } from './current-user.ts';
import { remark, say } from './output.ts';
import { type CommandInput, type ExitCode, throwIfEnding, usageError } from './run.ts';

/** Nothing that it asks of Postgres takes long. From one that is silent for longer, nothing is read. */
const queryTimeoutMs = 20_000;

export type GetArguments = { readonly kind?: FileKind; readonly out?: string; readonly reason?: string };

/** `documents get <transactionId> [--kind document|audit_report] --out <folder> --reason <text>` */
export async function get(
  id: string,
  { kind, out, reason: given }: GetArguments,
  { config, signal }: CommandInput,
): Promise<ExitCode> {
  const reason = reasonIn(given ?? '');
  if (reason === undefined)
    throw usageError('documents get needs --reason.', 'Say why they are read; it is kept with who and when.');
  if (out === undefined || out === '') throw usageError('documents get needs --out.', 'Name a folder for the files.');
  const { context, close } = await composeBooks(config, { queryTimeoutMs });
  try {
    const { transactionId, isClosed, documents } = await listDocuments(context, id);
    if (isClosed) throw documentsClosed(transactionId);
    const chosen = documents.filter((one) => wasStored(one) && (kind === undefined || one.kind === kind));
    if (chosen.length === 0) {
      remark(`Nothing is stored of ${transactionId}${kind === undefined ? '' : ` as ${kind}`}.`);
      return 1;
    }
    const reading: Reading = {
      context: { ...context, store: documentStore(config) },
      secretKeys: await readSecretKeys(config),
      reader: { accessedBy: currentUser(), reason, via: 'command', address: null },
      transactionId,
      folder: path.resolve(out),
    };
    return answer(reading, chosen.length, await getAll(reading, chosen, signal));
  } finally {
    await close();
  }
}

type Reading = {
  readonly context: ReadingContext;
  readonly secretKeys: readonly MasterPair[];
  readonly reader: Reader;
  readonly transactionId: string;
  readonly folder: string;
};

/** What concerns one document; with the others it may be different. */
const ofOneDocument: readonly ErrorCode[] = ['document_damaged', 'master_missing', 'storage_failed'];

/** @returns what kept documents from being written; the others are. */
async function getAll(
  reading: Reading,
  documents: readonly DocumentRow[],
  signal: AbortSignal,
): Promise<LedgerError[]> {
  const failures: LedgerError[] = [];
  for (const document of documents) {
    throwIfEnding(signal);
    const failure = await getOne(reading, document);
    if (failure) failures.push(failure);
  }
  return failures;
}

/** Nothing is read that could not be written. */
async function getOne(reading: Reading, document: DocumentRow): Promise<LedgerError | undefined> {
  const { context, secretKeys, reader, transactionId, folder } = reading;
  const { kind, origin, position, mediaType } = document;
  await prepareFolder(folder);
  const file = path.join(folder, fileNameOf(document, mediaType ?? ''));
  if (await isThere(file)) return alreadyThere(file);
  let content: Buffer;
  try {
    ({ content } = await readDocument(context, secretKeys, { transactionId, kind, origin, position }, reader));
  } catch (error) {
    if (error instanceof LedgerError && ofOneDocument.includes(error.code)) return error;
    throw error;
  }
  await write(file, content);
  say(`${kind} ${placeKey(document)}: ${file}`);
  return undefined;
}

async function prepareFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder, 0o700);
  } catch (error) {
    throw asStorageError(error, folder);
  }
}

const isThere = (file: string): Promise<boolean> =>
  lstat(file).then(
    () => true,
    () => false,
  );

const alreadyThere = (file: string): LedgerError =>
  new LedgerError('storage_failed', `${file} is there already; it was not read again.`, {
    hint: 'Name another folder, or move the file away.',
  });

/** Writes a new file that only its owner may read. What could not be written whole is removed. */
async function write(file: string, content: Buffer): Promise<void> {
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    } finally {
      await handle.close();
    }
    await syncFolder(path.dirname(file));
  } catch (error) {
    throw asStorageError(error, path.dirname(file));
  }
}

function answer({ folder }: Reading, all: number, failures: readonly LedgerError[]): ExitCode {
  const [first] = failures;
  if (!first) {
    say(`${counted(all, 'file')} in ${folder}, decrypted: remove them when they are not needed any more.`);
    return 0;
  }
  // One reason for all of them is the command's own.
  if (failures.length === all && failures.every(({ code }) => code === first.code) && first.code === 'master_missing')
    throw first;
  for (const { message, code } of failures) remark(`${message} (${code})`);
  remark(`${failures.length} of ${counted(all, 'document')} could not be read or written.`);
  return 1;
}
