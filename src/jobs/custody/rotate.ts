import { addMasters, addSeals, changeMasters, keysToSeal, type SealedEverywhere } from '../../db/document-masters.ts';
import { type MasterPair, sealTo, unseal } from '../../store/encryption/keys.ts';
import type { Context } from '../context.ts';

const batchSize = 500;

export type Rotation = {
  /** Keys that were sealed anew. */
  readonly sealed: number;
  /** Keys that no secret key on this machine opens. The masters are not changed while there are any. */
  readonly unopened: number;
  /** Keys that are sealed to retired masters alone: a worker of an earlier version stored them meanwhile. */
  readonly left: number;
};

/**
 * Seals every document key to these masters, and then takes them into use instead of the others: from there on no worker
 * records a key that is sealed to those. What was stored until then is sealed, too. Files are not touched. May be broken
 * off at any time and run again.
 *
 * @param secretKeys the pairs that open what is sealed so far.
 * @throws LedgerError `database_unavailable`
 */
export async function rotate(
  { db }: Pick<Context, 'db'>,
  masters: readonly Buffer[],
  secretKeys: readonly MasterPair[],
  { signal, onProgress }: Progress,
): Promise<Rotation> {
  await addMasters(db.kysely, masters);
  const found = await sealAll(db, masters, secretKeys, { signal, onProgress });
  if (found.unopened > 0) return { ...found, left: found.unopened };
  if ((await changeMasters(db, masters)) === 0) return { ...found, left: 0 };
  const meanwhile = await sealAll(db, masters, secretKeys, {
    signal,
    onProgress: (sealed) => onProgress(found.sealed + sealed),
  });
  return { sealed: found.sealed + meanwhile.sealed, unopened: 0, left: await changeMasters(db, masters) };
}

type Progress = { readonly signal: AbortSignal; readonly onProgress: (sealed: number) => void };

async function sealAll(
  db: Context['db'],
  masters: readonly Buffer[],
  secretKeys: readonly MasterPair[],
  { signal, onProgress }: Progress,
): Promise<Omit<Rotation, 'left'>> {
  let [sealed, unopened] = [0, 0];
  for (let after: string | undefined; ;) {
    signal.throwIfAborted();
    const keys = await keysToSeal(db.kysely, masters, { after, limit: batchSize });
    if (keys.length === 0) return { sealed, unopened };
    const anew = keys.map((key) => sealedAnew(key, masters, secretKeys));
    await addSeals(
      db,
      anew.flatMap((seals) => seals ?? []),
    );
    unopened += anew.filter((seals) => seals === undefined).length;
    sealed += anew.filter((seals) => seals !== undefined).length;
    onProgress(sealed);
    after = keys.at(-1)?.id;
  }
}

/** The boxes of a key that are missing; `undefined` = nobody here can open it. */
function sealedAnew(
  { id, transactionId, seals }: SealedEverywhere,
  masters: readonly Buffer[],
  secretKeys: readonly MasterPair[],
) {
  for (const { master, sealed } of seals) {
    const pair = secretKeys.find(({ publicKey }) => publicKey.equals(master));
    const key = pair && unseal(sealed, pair);
    if (!key) continue;
    const missing = masters.filter((one) => !seals.some((seal) => seal.master.equals(one)));
    return missing.map((one) => ({ id, transactionId, ...sealTo(one, key) }));
  }
  return undefined;
}
