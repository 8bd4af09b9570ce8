import type { Database } from '../db/database.ts';
import { endingAfter } from '../db/dedicated.ts';
import {
  asReplicaError,
  type Behind,
  isReplicaFailure,
  markPosition,
  type Replica,
  replicaLag,
  waitForReplay,
} from '../db/replica.ts';
import { type Dedicated, inSnapshot, type Snapshot, withSnapshot } from '../db/snapshot.ts';
import { errorCode, LedgerError } from '../errors.ts';
import type { Context } from './context.ts';

/** What was read. `behind` says how old it may be; `null` = it is from the primary. */
export type Reading<T> = { readonly value: T; readonly behind: Behind | null };

/** Tries of a query that the standby cancels because it conflicts with replication. A second try often passes. */
const tries = 3;
const restMs = 10_000;
const replayWithinMs = 60_000;

/**
 * The same books, for whoever waits no longer than `limitMs` for what is read on a connection of its own. Queries on the
 * pool have a limit anyway.
 */
export function readingWithin<C extends Pick<Context, 'db' | 'replica'>>(limitMs: number, context: C): C {
  const limited = (db: Database): Database => ({ ...db, connect: endingAfter(limitMs, db.connect) });
  const { db, replica } = context;
  return { ...context, db: limited(db), replica: replica && { ...replica, db: limited(replica.db) } };
}

/**
 * Reads for a page. Reads from the standby if there is one, however far behind it is; if the standby fails, from the
 * primary.
 */
export async function readForPage<T>(context: Context, read: (context: Context) => Promise<T>): Promise<Reading<T>> {
  const { db, replica } = context;
  const onStandby = usable(replica);
  if (onStandby)
    try {
      return await retried(async () => {
        const behind = await replicaLag(db, onStandby);
        return { value: await read({ ...context, db: onStandby.db }), behind };
      });
    } catch (error) {
      leaveAlone(context, onStandby, error);
    }
  return { value: await read(context), behind: null };
}

/**
 * Reads one snapshot for a report. Reads from the standby if there is one, after waiting until it has replayed
 * everything that the primary has now, so that the report is the same. If the standby fails, reads from the primary.
 *
 * @param options.on a connection to the primary that may be read on; without it, one is opened.
 * @throws LedgerError `replica_behind` if the standby answers but does not catch up.
 */
export async function withReportSnapshot<T>(
  context: Context,
  read: (snapshot: Snapshot) => Promise<T>,
  { on, withinMs = replayWithinMs }: { readonly on?: Dedicated; readonly withinMs?: number } = {},
): Promise<T> {
  const { db, replica } = context;
  const onStandby = usable(replica);
  if (onStandby)
    try {
      return await retried(async () => {
        const position = await markPosition(db.kysely);
        return withSnapshot(onStandby.db, read, (connection) => waitForReplay(connection, position, withinMs));
      });
    } catch (error) {
      if (errorCode(error) === 'replica_behind') throw error;
      leaveAlone(context, onStandby, error);
    }
  return on ? inSnapshot(on, read) : withSnapshot(db, read);
}

const usable = (replica: Replica | undefined): Replica | undefined =>
  replica && performance.now() >= replica.rest.untilMs ? replica : undefined;

/** Retries what the standby cancelled because of a replication conflict. */
async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let left = tries - 1; ; left -= 1)
    try {
      return await work();
    } catch (thrown) {
      const error = asReplicaError(thrown);
      const isConflict = error instanceof LedgerError && error.fields['conflict'] === true;
      if (!isConflict || left === 0) throw error;
    }
}

/** @throws the error, unless the standby failed. */
function leaveAlone({ log }: Context, replica: Replica, error: unknown): void {
  if (!isReplicaFailure(error)) throw error;
  const isKnown = replica.rest.untilMs > performance.now();
  replica.rest.untilMs = performance.now() + restMs;
  // Several reads may fail at once; one log line is enough.
  if (isKnown) return;
  const { message } = error as Error;
  log.warn({ code: errorCode(error), message }, 'the standby in DATABASE_READ_URL cannot be read, the primary is');
}
