import { earlierTime } from '../../db/earlier-time.ts';
import type { FileKind } from '../../db/files.ts';
import { destroyKeysOf, forgetFiles, overdueFiles } from '../../db/retention.ts';
import { beginRetentionRound, endRetentionRound } from '../../db/retention-rounds.ts';
import { kindPrefix } from '../../store/layout.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Context } from '../context.ts';
import { removeObjects } from './destroy.ts';
import { type Failures, note } from './each.ts';

const kinds: readonly FileKind[] = ['document', 'audit_report'];
const dayMs = 86_400_000;
const batchSize = 1_000;
/** How long one call looks through transactions before other custody has its turn. */
const turnMs = 2_000;
/** Once all are looked through, they are looked through again after this long. */
const restMs = 3_600_000;

/**
 * How far the look through the transactions has come, and how many could not be destroyed. `isUnfinished`: it ran out of time,
 * and goes on next time. Kept by the process: a restart begins anew.
 */
export type Round = { after: string; restUntilMs: number; left: number; isUnfinished: boolean };

const newRound = (): Round => ({ after: '', restUntilMs: -Infinity, left: 0, isUnfinished: false });

export const newRounds = (): Record<FileKind, Round> => ({
  document: newRound(),
  audit_report: newRound(),
});

/**
 * Destroys files that were kept for as long as is configured, counted from the end of their transactions. Those of held
 * transactions stay.
 *
 * @param rounds where the last call stopped; is changed.
 * @param failures what could not be done is added: it has its turn again in the next look through all.
 * @returns how many files were destroyed.
 * @throws LedgerError `database_unavailable`
 */
export async function keepRetention(
  context: Pick<Context, 'db' | 'now' | 'config'>,
  store: ObjectStore,
  rounds: Record<FileKind, Round>,
  failures: Failures,
  signal?: AbortSignal,
): Promise<number> {
  let destroyed = 0;
  for (const kind of kinds) {
    const days = context.config.custody.retentionDays[kind];
    if (days === undefined) continue;
    destroyed += await lookThrough(context, store, { kind, days, round: rounds[kind], failures }, signal);
  }
  return destroyed;
}

type Look = {
  readonly kind: FileKind;
  readonly days: number;
  readonly round: Round;
  readonly failures: Failures;
};

async function lookThrough(
  { db, now }: Pick<Context, 'db' | 'now'>,
  store: ObjectStore,
  { kind, days, round, failures }: Look,
  signal?: AbortSignal,
): Promise<number> {
  const endMs = performance.now() + turnMs;
  const isOver = (): boolean => signal?.aborted === true || performance.now() >= endMs;
  const before = new Date((await earlierTime(db.kysely, now())).getTime() - days * dayMs);
  let destroyed = 0;
  round.isUnfinished = round.restUntilMs <= performance.now();
  if (round.isUnfinished && round.after === '') await beginRetentionRound(db.kysely, kind);
  while (!isOver() && round.restUntilMs <= performance.now()) {
    const { last, overdue } = await overdueFiles(db.kysely, kind, { after: round.after, before, limit: batchSize });
    for (const transactionId of overdue) {
      if (isOver()) return destroyed;
      try {
        destroyed += await destroyFiles(db, store, transactionId, kind);
      } catch (error) {
        round.left += 1;
        if (note(failures, error)) {
          round.isUnfinished = false;
          return destroyed;
        }
      }
      round.after = transactionId;
    }
    round.after = last ?? '';
    if (last !== null) continue;
    await endRetentionRound(db.kysely, kind, round.left);
    Object.assign(round, { ...newRound(), restUntilMs: performance.now() + restMs });
  }
  return destroyed;
}

async function destroyFiles(
  db: Context['db'],
  store: ObjectStore,
  transactionId: string,
  kind: FileKind,
): Promise<number> {
  if (!(await destroyKeysOf(db, transactionId, kind))) return 0;
  await removeObjects(db.kysely, store, transactionId, kind);
  const files = await forgetFiles(db, transactionId, kind);
  // Somebody may have asked for them again in between, and a worker stored them.
  await store.removeUnder(kindPrefix(transactionId, kind));
  return files;
}
