import { type Withdrawal, type WithdrawalAnswer, withdrawTransaction } from '../../db/withdrawals.ts';
import { form } from '../../domain/wording.ts';
import { LedgerError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { normaliseId } from '../../domain/transaction-id.ts';

export type WithdrawalRequest = { readonly id: string; readonly withdrawnBy: string; readonly reason: string };

/** @property isNew `false` = it was withdrawn before; the earlier note is kept. */
export type WithdrawnTransaction = {
  readonly transactionId: string;
  readonly isNew: boolean;
  readonly withdrawal: Withdrawal;
};

/**
 * Takes an ID that the vendor never knew out of the books. It is no longer fetched and blocks no close. A new intake of
 * the same ID puts it back.
 *
 * @throws LedgerError `transaction_unknown` if it was never registered; `blocked` if the vendor may know it: it
 * answered for it, is still due to be asked, or failed with another code than a 404.
 */
export async function withdraw(
  { db }: Pick<Context, 'db'>,
  { id, withdrawnBy, reason }: WithdrawalRequest,
): Promise<WithdrawnTransaction> {
  const transactionId = normaliseId(id);
  if (transactionId === undefined)
    throw new LedgerError('transaction_unknown', 'That is not an ID of a transaction.', {
      hint: 'An ID has 1 to 128 letters, digits, "_" and "-".',
    });
  const found = await withdrawTransaction(db, { transactionId, withdrawnBy, reason });
  if ('withdrawal' in found)
    return { transactionId, isNew: found.answer === 'withdrawn', withdrawal: found.withdrawal };
  throw refusal(transactionId, found);
}

type Refused = Exclude<WithdrawalAnswer, { readonly withdrawal: Withdrawal }>;

function refusal(transactionId: string, found: Refused): LedgerError {
  const refuse = (why: string, hint: string) =>
    new LedgerError('blocked', `${transactionId} was not withdrawn: ${why}`, { fields: { transactionId }, hint });
  switch (found.answer) {
    case 'unknown':
      return new LedgerError('transaction_unknown', `The books know no transaction ${transactionId}.`, {
        fields: { transactionId },
        hint: 'It was never enqueued here: check the ID, and DATABASE_URL. There is nothing to withdraw.',
      });
    case 'known':
      return refuse(
        found.attempts > 0
          ? `the vendor answered for it, and ${found.attempts} of its attempts ${form(found.attempts, 'is', 'are')} known.`
          : 'the vendor answered for it.',
        `What the vendor knows it may invoice, so it stays. To see it: idscan-ledger explain ${transactionId}`,
      );
    case 'due':
      return refuse(
        found.isUnderWay ? 'it is being fetched just now.' : 'it is due to be fetched, so the vendor may know it.',
        'Let a worker ask the vendor: idscan-ledger worker --until-idle. If the answer is vendor_not_found, withdraw it.',
      );
    case 'failed_otherwise':
      return refuse(
        `fetching it failed with ${found.code ?? 'no code'}, and only vendor_not_found says that the vendor never knew it.`,
        `Remove the cause, then: idscan-ledger reprocess --transaction ${transactionId}`,
      );
    default:
      return found satisfies never;
  }
}
