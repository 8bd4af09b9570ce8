import { type BrowserEvent, recordBrowserReport, type ReportAnswer } from '../../db/browser-reports.ts';
import { normaliseId } from '../../domain/transaction-id.ts';
import { LedgerError } from '../../errors.ts';
import type { QueueContext } from '../context.ts';
import { leaseMs } from '../queue/queues.ts';
import type { BrowserToken } from './browser-tokens.ts';
import { wakeWithin } from './intake.ts';

/** What a page says of the transaction that it shows. Texts are as they came. */
export type BrowserSays = {
  readonly event: BrowserEvent;
  /** The transaction that the vendor's event was about; `null` = it did not say. */
  readonly transactionId: string | null;
  readonly resultId: string | null;
  readonly ignored: number;
};

/** A page that is being left does not wait. If the jobs cannot be enqueued in this time, the sweep enqueues them. */
const wakeWithinMs = 250;

/**
 * Takes what a page says: commits it with the intake that it asks for, then wakes the workers. Idempotent. What it says
 * is a hint, because whoever is verified controls the browser: the result is fetched from the vendor.
 *
 * @throws LedgerError `browser_transaction_foreign` and `request_invalid`, before anything is asked of the database;
 * `browser_token_used` for a token that has said another result; `database_unavailable`
 */
export async function takeBrowserReport(
  context: QueueContext,
  token: BrowserToken,
  says: BrowserSays,
): Promise<Pick<ReportAnswer, 'outcome' | 'newlyIgnored'>> {
  const { id: tokenId, transactionId, origin } = token;
  const { event, ignored } = says;
  if (says.transactionId !== null && normaliseId(says.transactionId) !== transactionId)
    throw new LedgerError('browser_transaction_foreign', 'The token was made for another transaction.', {
      hint: 'Each iframe needs the token of its own transaction.',
    });
  const resultId = resultOf(says);
  const report = { tokenId, transactionId, origin, event, resultId, ignored };
  const { outcome, newlyIgnored, due } = await recordBrowserReport(context.db.kysely, report, leaseMs);
  if (outcome === 'used')
    throw new LedgerError('browser_token_used', 'The token has said another result before.', {
      hint: 'The first one is fetched.',
    });
  if (outcome === 'conflict')
    context.log.warn({ transactionId }, 'a page names another result than the one that is known');
  await wakeWithin(context, due, wakeWithinMs);
  return { outcome, newlyIgnored };
}

function resultOf({ event, resultId }: BrowserSays): string | null {
  const isExpected = event === 'completed';
  const read = resultId === null ? null : normaliseId(resultId);
  if (isExpected === (read !== null) && read !== undefined) return read;
  throw new LedgerError(
    'request_invalid',
    'resultId must be an ID with the event completed, and not be there otherwise.',
  );
}
