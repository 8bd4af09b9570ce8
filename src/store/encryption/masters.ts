import { randomBytes } from 'node:crypto';
import { link, open, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Config } from '../../config/config.ts';
import type { Database } from '../../db/database.ts';
import { mastersInUse, useFirstMasters } from '../../db/document-masters.ts';
import { LedgerError } from '../../errors.ts';
import { makeFolder, syncFolder } from '../../folders.ts';
import { createMasterPair, isPublicKey, type MasterPair, masterText, pairOf, parseKey } from './keys.ts';

type Custody = Pick<Config, 'dataDir' | 'custody'> & Partial<Pick<Config, 'documents'>>;

/** The secret key of the pair that is made where none is configured. */
const ownKeyFile = (dataDir: string): string => path.join(dataDir, 'keys', 'documents.key');

/**
 * The masters that a worker seals document keys to. Where none are configured, they are those of the secret keys that
 * are; else a pair is made once below the data folder, unless documents are kept elsewhere. What Postgres has noted counts, so that two machines never seal to different masters.
 *
 * @param tell is called with a sentence about a pair that was made.
 * @throws LedgerError `master_mismatch` if the books use other masters; `config_invalid` if there are none, and none are
 *   made; `storage_failed`, `storage_full`
 */
export async function openMasters(
  db: Pick<Database, 'kysely'>,
  config: Custody,
  tell: (sentence: string) => void,
): Promise<readonly Buffer[]> {
  const inUse = await mastersInUse(db.kysely);
  const own = await ownMasters(config, inUse, inUse.length === 0 ? tell : undefined);
  if (own.length === 0) throw noMasterHere(inUse);
  const used = inUse.length > 0 ? inUse : await useFirstMasters(db, own);
  if (!isSame(used, own)) throw otherMasters(used, own);
  return used;
}

/**
 * Whether a running worker still seals to the masters in use: somebody may have changed them since it started.
 *
 * @throws LedgerError `master_mismatch`, `database_unavailable`
 */
export async function ensureMastersInUse(db: Pick<Database, 'kysely'>, masters: readonly Buffer[]): Promise<void> {
  const inUse = await mastersInUse(db.kysely);
  if (!isSame(inUse, masters)) throw otherMasters(inUse, masters);
}

/**
 * Checks the masters without making any.
 *
 * @returns what is found, in words.
 * @throws LedgerError `master_mismatch`, `storage_failed`
 */
export async function checkMasters(db: Pick<Database, 'kysely'>, config: Custody): Promise<string> {
  const inUse = await mastersInUse(db.kysely);
  const own = await ownMasters(config, inUse, undefined);
  if (inUse.length === 0) return 'no master is in use yet; the first worker takes one';
  if (own.length === 0) throw noMasterHere(inUse);
  if (!isSame(inUse, own)) throw otherMasters(inUse, own);
  return `documents are encrypted to ${inUse.map(masterText).join(', ')}`;
}

/**
 * The pairs whose secret keys are on this machine, for whoever may read documents.
 *
 * @throws LedgerError `master_missing` if there is none; `config_invalid` if the file cannot be read
 */
export async function readSecretKeys({
  dataDir,
  custody,
}: Pick<Custody, 'dataDir' | 'custody'>): Promise<readonly MasterPair[]> {
  const file = custody.secretKeyFile ?? ownKeyFile(dataDir);
  const text = await readKeyFile(file);
  if (text === undefined)
    throw new LedgerError('master_missing', `There is no secret key on this machine (${file}), so nobody reads here.`, {
      hint: 'Set DOCUMENTS_SECRET_KEY_FILE where somebody may read documents. Workers need no secret key.',
    });
  return text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line) => pairOf(secretIn(line, file)));
}

/**
 * The masters that this machine would seal to; none if there are none, and none may be made.
 *
 * @param tell `undefined` = none are made.
 */
async function ownMasters(
  { dataDir, custody, documents }: Custody,
  inUse: readonly Buffer[],
  tell: ((sentence: string) => void) | undefined,
): Promise<readonly Buffer[]> {
  const configured = configuredMasters(custody);
  if (configured.length > 0) return configured;
  if (custody.secretKeyFile === undefined) return ownMaster(dataDir, tell, documents !== undefined);
  const opened = (await readSecretKeys({ dataDir, custody })).map(({ publicKey }) => publicKey);
  // The file keeps former keys, too, for what is still sealed to them.
  const used = inUse.filter((master) => opened.some((one) => one.equals(master)));
  if (used.length > 0) return used;
  return inUse.length === 0 ? opened : ownMaster(dataDir, undefined, true);
}

function configuredMasters({ publicKeys }: Custody['custody']): Buffer[] {
  const masters = publicKeys.map((text) => Buffer.from(text, 'base64'));
  const wrong = masters.find((master) => !isPublicKey(master));
  if (wrong)
    throw new LedgerError('config_invalid', `DOCUMENTS_PUBLIC_KEYS has ${masterText(wrong)}, which is no public key.`, {
      hint: 'documents key makes a pair, and prints its public key.',
    });
  return masters;
}

/** The public key of the pair below the data folder; none if there is no pair, and it may not be made. */
async function ownMaster(
  dataDir: string,
  tell: ((sentence: string) => void) | undefined,
  isStoreElsewhere: boolean,
): Promise<Buffer[]> {
  const file = ownKeyFile(dataDir);
  const found = await readKeyFile(file);
  if (found !== undefined) return [pairOf(secretIn(found, file)).publicKey];
  if (!tell) return [];
  if (isStoreElsewhere) throw noMasterConfigured();
  const secretKey = await keepSecretKey(file, createMasterPair().secretKey);
  const { publicKey } = pairOf(secretKey);
  tell(
    `Documents are encrypted. The key that opens them was made: ${file}. Keep a copy of it in a safe place: without it nobody reads a document again. Its public part is ${masterText(publicKey)}.`,
  );
  return [publicKey];
}

async function readKeyFile(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code = 'error' } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new LedgerError('config_invalid', `The key file ${file} cannot be read (${code}).`, { cause });
  }
}

function secretIn(line: string, file: string): Buffer {
  const secretKey = parseKey(line);
  if (!secretKey)
    throw new LedgerError('config_invalid', `${file} has a line that is no key of 44 characters in base64.`, {
      hint: 'Restore it from its copy. Without it the documents cannot be read.',
    });
  return secretKey;
}

/**
 * Writes a secret key to a new file that only its owner may read, durably.
 *
 * @returns the key in the file: another process may have been first.
 * @throws LedgerError `storage_failed`
 */
export async function keepSecretKey(file: string, secretKey: Buffer): Promise<Buffer> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await makeFolder(path.dirname(file), 0o700);
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(`${secretKey.toString('base64')}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(temporary, file).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
    await syncFolder(path.dirname(file));
    return secretIn(await readFile(file, 'utf8'), file);
  } catch (cause) {
    if (cause instanceof LedgerError) throw cause;
    throw new LedgerError('storage_failed', `The key file ${file} cannot be written.`, {
      fields: { file, cause: (cause as NodeJS.ErrnoException).code ?? 'error' },
      hint: 'May this user write there? Is there room?',
      cause,
    });
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

const isSame = (one: readonly Buffer[], other: readonly Buffer[]): boolean =>
  one.length === other.length && one.every((key) => other.some((also) => also.equals(key)));

const noMasterConfigured = (): LedgerError =>
  new LedgerError(
    'config_invalid',
    'DOCUMENTS_URL keeps documents apart from this machine, and DOCUMENTS_PUBLIC_KEYS names no key to encrypt them with.',
    {
      hint: 'documents key makes a pair, and prints its public key. A pair of this machine’s own would be lost with its disk.',
    },
  );

const noMasterHere = (inUse: readonly Buffer[]): LedgerError =>
  new LedgerError('master_mismatch', 'Documents are encrypted to a master key that this machine does not know.', {
    fields: { inUse: inUse.map(masterText).join(',') },
    hint: `Set DOCUMENTS_PUBLIC_KEYS=${inUse.map(masterText).join(',')}`,
  });

const otherMasters = (inUse: readonly Buffer[], own: readonly Buffer[]): LedgerError =>
  new LedgerError('master_mismatch', 'This machine would encrypt documents to other master keys than are in use.', {
    fields: { inUse: inUse.map(masterText).join(','), configured: own.map(masterText).join(',') },
    hint: `Set DOCUMENTS_PUBLIC_KEYS=${inUse.map(masterText).join(',')}, or change the masters with: npx idscan-ledger documents rotate.`,
  });
