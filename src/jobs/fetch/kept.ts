import type { FileKind } from '../../db/files.ts';
import { isFirstStart, type ObligationEnd, type Started } from '../../db/obligations.ts';
import { retentionOf } from '../../db/retention.ts';
import { noteLaterLooks } from '../../db/later-looks.ts';
import { isKept } from '../../domain/retention.ts';
import { type Context, openedStore, type VendorContext } from '../context.ts';
import { storing } from './download.ts';
import { recordStored } from './record-stored.ts';

/**
 * Whether a transaction's files are still kept, or held. Others would be destroyed as soon as they are stored, so they are
 * not fetched, whoever asks for them.
 */
export async function areKept(
  { db, config, now }: Pick<Context, 'db' | 'config' | 'now'>,
  transactionId: string,
  kind: FileKind,
): Promise<boolean> {
  const days = config.custody.retentionDays[kind];
  if (days === undefined) return true;
  const { isHeld, ...ends } = await retentionOf(db.kysely, transactionId);
  return isHeld || isKept(ends, days, now());
}

/**
 * Ends fetching files that are not kept any more. What an earlier start stored and never recorded goes, and is looked for
 * once more later: it may still be storing.
 *
 * @throws LedgerError `interrupted` if a later start has taken over; `storage_…`, `database_unavailable`
 */
export async function endUnkept(
  context: VendorContext,
  transactionId: string,
  kind: FileKind,
  started: Started,
): Promise<ObligationEnd['end']> {
  const { fence } = started;
  if (!isFirstStart(started)) await noteLaterLooks(context.db.kysely, transactionId, [kind]);
  const storage = storing(openedStore(context), { transactionId, kind, fence });
  const of = kind === 'document' ? 'documents' : kind;
  const nothing = { transactionId, kind: of, fence, files: [], isDone: true } as const;
  return recordStored(context, nothing, { storage, held: [] });
}
