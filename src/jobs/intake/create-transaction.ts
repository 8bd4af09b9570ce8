import { createHash } from 'node:crypto';
import { type Creation, intend, intendAgain, recordCreated, recordFailed } from '../../db/creations.ts';
import { checkTransactionRequest, isReference, type TransactionRequest } from '../../domain/transaction-request.ts';
import { type ErrorCode, errorCode, LedgerError } from '../../errors.ts';
import type { CreatedTransaction } from '../../id-scan/created.ts';
import type { VendorClient } from '../../id-scan/client.ts';
import { leaseMs } from '../queue/queues.ts';
import { type IntakeContext, wakeWithin } from './intake.ts';

/** What somebody wants to create. */
export type CreationInput = {
  /** The vendor's request and, if its cost may be charged on, a `reference`: a text without personal data. */
  readonly wanted: unknown;
  /** Makes repeated requests of the caller's harmless: the same key gets the same transaction. */
  readonly idempotencyKey: string | null;
  readonly askedBy: string;
};

export type CreationResult = CreatedTransaction & {
  /** Settings that the vendor does not document; they were passed on. */
  readonly unknown: readonly string[];
  /** Whether this call created it. */
  readonly isNew: boolean;
};

export type CreatingContext = IntakeContext & { readonly vendor: Pick<VendorClient, 'createTransaction'> };

/**
 * With these the vendor has certainly created nothing. With any other failure it may have, also where a call was broken
 * off by a shutdown: its request may have been sent.
 */
const refusals: readonly ErrorCode[] = [
  'vendor_rejected',
  'vendor_unauthorized',
  'vendor_forbidden',
  'vendor_not_found',
  'vendor_gone',
  'vendor_rate_limited',
  'vendor_redirect_refused',
];
/** Failures before anything was sent. */
const unsentCauses = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
];

export const idempotencyKeyPattern = /^[\x21-\x7e]{1,255}$/;

/**
 * Creates a transaction, so that the books know it from its birth: commits the intention, asks the vendor once, commits
 * the answer with its intake. A call whose answer never came is not repeated, because the vendor names no idempotency
 * key: it is listed as possibly created until somebody has looked after it.
 *
 * @throws LedgerError `request_invalid` with every mistake, before anything is asked; `creation_unanswered` if the answer
 * of this or of the first request with the same key never came; `idempotency_key_reused` for a key with another request;
 * `vendor_…` if the vendor refused; `database_unavailable`
 */
export async function createTransaction(context: CreatingContext, input: CreationInput): Promise<CreationResult> {
  const { request, reference, unknown } = checked(input);
  const { idempotencyKey, askedBy } = input;
  const requestSha256 = createHash('sha256')
    .update(JSON.stringify([request, reference]))
    .digest('hex');
  const { creation, isNew } = await intend(context.db.kysely, { idempotencyKey, requestSha256, reference, askedBy });
  if (!isNew) {
    if (creation.requestSha256 !== requestSha256) throw keyReused();
    const earlier = await answerOf(context, creation);
    if (earlier) return { ...earlier, unknown, isNew: false };
  }
  return { ...(await ask(context, creation, request)), unknown, isNew: true };
}

function checked({ wanted, idempotencyKey }: CreationInput) {
  const { reference: given, ...wish } = isObject(wanted) ? wanted : { reference: undefined };
  const reference = readReference(given);
  const { request, mistakes, unknown } = checkTransactionRequest(isObject(wanted) ? wish : wanted);
  const all = [
    ...mistakes,
    ...(reference === undefined ? ['reference must be 1 to 64 of A-Z a-z 0-9 . _ : -'] : []),
    ...(idempotencyKey === null || idempotencyKeyPattern.test(idempotencyKey)
      ? []
      : ['the idempotency key must be 1 to 255 visible ASCII characters']),
  ];
  if (all.length > 0 || reference === undefined)
    throw new LedgerError('request_invalid', `The transaction cannot be created: ${all.join('; ')}.`, {
      fields: { mistakes: all.length },
      hint: 'Nothing was asked of the vendor. docs/producers.md describes the request.',
    });
  return { request, reference, unknown };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `null` = there is none; `undefined` = it is none that is kept. */
function readReference(given: unknown): string | null | undefined {
  if (given === undefined || given === null) return null;
  return typeof given === 'string' && isReference(given) ? given : undefined;
}

/** What an earlier request with the same key came to; `undefined` = it was refused, and may be tried again. */
async function answerOf({ db }: CreatingContext, creation: Creation): Promise<CreatedTransaction | undefined> {
  const { id, transactionId, url, expiresAt, isRefused } = creation;
  if (transactionId !== null && url !== null) return { transactionId, url, expires: expiresAt };
  if (transactionId !== null)
    throw new LedgerError(
      'creation_expired',
      `The transaction ${transactionId} was created with this key, and its address has expired.`,
      {
        fields: { transactionId },
        hint: 'Create another one with another key.',
      },
    );
  if (isRefused && (await intendAgain(db.kysely, id))) return undefined;
  throw unanswered(creation);
}

async function ask(
  context: CreatingContext,
  creation: Creation,
  request: TransactionRequest,
): Promise<CreatedTransaction> {
  const { db, vendor } = context;
  let created: CreatedTransaction;
  try {
    created = await vendor.createTransaction(request);
  } catch (error) {
    const code = errorCode(error);
    const isRefused = refusals.includes(code) || wasNeverSent(error);
    await recordFailed(db.kysely, creation.id, code, isRefused);
    throw isRefused ? error : unanswered(creation, error);
  }
  const due = await recordCreated(db, creation.id, created, leaseMs);
  await wakeWithin(context, due, wakeWithinMs);
  return created;
}

const wakeWithinMs = 2_000;

function wasNeverSent(error: unknown): boolean {
  const { cause } = error instanceof LedgerError ? error : {};
  return cause instanceof Error && 'code' in cause && unsentCauses.includes(String(cause.code));
}

const unanswered = ({ id, reference }: Creation, cause?: unknown): LedgerError =>
  new LedgerError('creation_unanswered', 'The vendor was asked to create a transaction, and its answer never came.', {
    fields: { creation: id, reference },
    hint: 'It is not asked again: the transaction may exist. status lists it; look after it with: npx idscan-ledger transactions resolve.',
    cause,
  });

const keyReused = (): LedgerError =>
  new LedgerError('idempotency_key_reused', 'This idempotency key was used for another request.', {
    hint: 'Use a new key for each transaction.',
  });
