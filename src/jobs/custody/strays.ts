import { clearAmong } from '../../db/clear-files.ts';
import { decodeHeader, headerIn } from '../../store/encryption/header.ts';
import { clearHashIn, erasureIn, holdIn, isProbeName, isProbeObject, transactionOf } from '../../store/layout.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Context } from '../context.ts';

/** What a look through the whole store found in places where the program keeps no document. */
export type Strays = {
  /** Names of what is the transaction's: its name has the transaction's ID, or its header does. */
  readonly names: readonly string[];
  /** How many things are neither the books' nor say whose they are, and the folders that they lie in. */
  readonly strangers: number;
  readonly folders: readonly string[];
  /** How many names were looked at, and whether these are all. */
  readonly looked: number;
  readonly isWhole: boolean;
};

/** A store of a million documents is looked through in seconds, a bucket in a minute or two. */
const mostLooked = 1_000_000;
/** Only what has a name that is none of ours is opened. */
const mostOpened = 1_000;
const batchSize = 500;

/**
 * Looks through the whole store for copies of a transaction's documents in other places than theirs. What has the name
 * of another transaction's document is taken for that.
 *
 * @throws LedgerError `storage_failed`
 */
export async function straysOf(
  { db }: Pick<Context, 'db'>,
  store: ObjectStore,
  transactionId: string,
  limits = { mostLooked, mostOpened },
): Promise<Strays> {
  const names: string[] = [];
  const folders = new Set<string>();
  const clear = new Map<string, string>();
  let [strangers, looked, opened, isWhole] = [0, 0, 0, true];
  const stranger = (name: string): void => {
    strangers += 1;
    folders.add(name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : '.');
  };
  const lookUp = async (): Promise<void> => {
    if (clear.size === 0) return;
    const known = await clearAmong(db.kysely, [...clear.keys()]);
    for (const [hash, name] of clear) if (!known.has(hash)) stranger(name);
    clear.clear();
  };
  for await (const { name, begin } of store.everything()) {
    if (looked === limits.mostLooked) {
      isWhole = false;
      break;
    }
    looked += 1;
    if (isOurs(name)) continue;
    const hash = clearHashIn(name);
    if (hash !== undefined) clear.set(hash, name);
    else if (isNamedIn(name, transactionId)) names.push(name);
    else if (opened === limits.mostOpened) {
      isWhole = false;
      stranger(name);
    } else {
      opened += 1;
      const header = headerIn(await begin());
      const owner = header && decodeHeader(header)?.transactionId;
      if (owner === undefined) stranger(name);
      else if (owner === transactionId) names.push(name);
    }
    if (clear.size === batchSize) await lookUp();
  }
  await lookUp();
  return { names, strangers, folders: [...folders].sort(), looked, isWhole };
}

const isOurs = (name: string): boolean =>
  transactionOf(name) !== undefined ||
  erasureIn(name) !== undefined ||
  holdIn(name) !== undefined ||
  isProbeObject(name) ||
  isProbeName(name.slice(name.lastIndexOf('/') + 1));

/** Whether a name has an ID in it that is not part of a longer one. */
function isNamedIn(name: string, transactionId: string): boolean {
  const isPart = (character: string | undefined): boolean => character !== undefined && /[0-9A-Za-z]/.test(character);
  for (let at = name.indexOf(transactionId); at !== -1; at = name.indexOf(transactionId, at + 1))
    if (!isPart(name[at - 1]) && !isPart(name[at + transactionId.length])) return true;
  return false;
}
