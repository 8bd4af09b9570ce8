import { LedgerError } from '../../errors.ts';

/** A creation, for what is said of it. */
type Creation = { readonly id: string; readonly reference: string | null };

/** The vendor was asked, and nobody knows what came of it. It is listed as possibly created. */
export const unanswered = ({ id, reference }: Creation, cause?: unknown): LedgerError =>
  new LedgerError(
    'creation_unanswered',
    'The vendor was asked to create a transaction, and gave no answer that says what came of it.',
    {
      fields: { creation: id, reference },
      hint: 'It is not asked again: the transaction may exist. status lists it; look after it with: npx idscan-ledger transactions resolve.',
      cause,
    },
  );

/** The vendor has answered, and the books do not have it. Whoever sees this is the only one who knows the ID. */
export const unrecorded = ({ id, reference }: Creation, transactionId: string, cause: unknown): LedgerError =>
  new LedgerError(
    'creation_unanswered',
    `The vendor created the transaction ${transactionId}, and that could not be recorded.`,
    {
      fields: { creation: id, reference, transactionId },
      hint: `It is not asked again. status lists it two minutes later; then: npx idscan-ledger transactions resolve ${id} --transaction ${transactionId} --reason "…"`,
      cause,
    },
  );

/** The vendor has answered with the ID of another creation's transaction. */
export const givenTwice = ({ id, reference }: Creation, transactionId: string, isOf: string): LedgerError =>
  new LedgerError(
    'creation_unanswered',
    `The vendor answered with ${transactionId}, which is the transaction of the creation ${isOf} already.`,
    {
      fields: { creation: id, reference, transactionId },
      hint: 'It is not asked again. status lists it: ask the vendor whether it created another one, then: npx idscan-ledger transactions resolve.',
    },
  );

/** Somebody has looked after the first request with a key. */
export const resolved = ({ id, reference }: Creation, transactionId: string | null): LedgerError =>
  new LedgerError(
    'creation_resolved',
    transactionId === null
      ? 'The answer to the first request with this key never came, and somebody has noted since that nothing was created.'
      : `The answer to the first request with this key never came. Somebody has found out since that it created ${transactionId}; its address is not known.`,
    {
      fields: { creation: id, reference, ...(transactionId === null ? {} : { transactionId }) },
      hint: 'Create another one with another key.',
    },
  );

export const withoutAddress = (transactionId: string): LedgerError =>
  new LedgerError(
    'creation_without_address',
    `The transaction ${transactionId} was created, and its address is not known.`,
    {
      fields: { transactionId },
      hint: 'It is in the books, and charged like any other. Nobody can perform it: create another one with another key, and report it if it happens again.',
    },
  );

export const expired = (transactionId: string): LedgerError =>
  new LedgerError(
    'creation_expired',
    `The transaction ${transactionId} was created with this key, and its address has expired.`,
    { fields: { transactionId }, hint: 'Create another one with another key.' },
  );

const retryAfterSeconds = 5;

export const underWay = ({ id, reference }: Creation): LedgerError =>
  new LedgerError('creation_under_way', 'The transaction of this key is being created.', {
    fields: { creation: id, reference, retryAfterSeconds },
    hint: 'Repeat the request with the same key in some seconds. If its process has died, two minutes later it counts as unanswered.',
  });

export const keyReused = (): LedgerError =>
  new LedgerError('idempotency_key_reused', 'This idempotency key was used for another request.', {
    hint: 'Use a new key for each transaction.',
  });
