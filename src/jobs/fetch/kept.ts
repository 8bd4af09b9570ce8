import type { FileKind } from '../../db/files.ts';
import { retentionOf } from '../../db/retention.ts';
import { isKept } from '../../domain/retention.ts';
import type { Context } from '../context.ts';

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
