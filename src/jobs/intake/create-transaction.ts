import { createHash } from 'node:crypto';
import { type Creation, intend, intendAgain } from '../../db/creations.ts';
import { checkTransactionRequest, isReference } from '../../domain/transaction-request.ts';
import { LedgerError } from '../../errors.ts';
import { askVendor, type Created, type CreatingContext } from './ask-vendor.ts';
import { expired, keyReused, resolved, unanswered, underWay, withoutAddress } from './creation-errors.ts';

/** What somebody wants to create. */
export type CreationInput = {
  /** The vendor's request and, if its cost may be charged on, a `reference`: a text without personal data. */
  readonly wanted: unknown;
  /** Makes repeated requests of this caller's harmless: the same key gets the same transaction. */
  readonly idempotencyKey: string | null;
  /** The caller. Keys of two callers have nothing to do with each other. */
  readonly askedBy: string;
  /** Belongs to the request, and is not for the vendor: the site that shows the transaction. */
  readonly browserOrigin?: string | null;
};

export type CreationResult = Created & {
  /** Settings that the vendor does not document; they were passed on. */
  readonly unknown: readonly string[];
  /** Whether this call created it. */
  readonly isNew: boolean;
};

export const idempotencyKeyPattern = /^[\x21-\x7e]{1,255}$/;
/** Programs in JavaScript give anything. */
const isIdempotencyKey = (given: unknown): boolean => typeof given === 'string' && idempotencyKeyPattern.test(given);

/**
 * Creates a transaction, so that the books know it from its birth: commits the intention, asks the vendor once, commits
 * the answer with its intake. A call whose answer never came is not repeated, because the vendor names no idempotency
 * key: it is listed as possibly created until somebody has looked after it.
 *
 * @throws LedgerError `request_invalid` with every mistake, before anything is asked; `creation_unanswered` if the answer
 * of this or of the first request with the same key never came, or could not be recorded; `creation_under_way` while the
 * first request is running; `creation_expired`, `creation_resolved`, `creation_without_address`; `idempotency_key_reused` for a key with
 * another request; `vendor_…` if the vendor refused; `database_…` before anything is asked
 */
export async function createTransaction(context: CreatingContext, input: CreationInput): Promise<CreationResult> {
  const { request, reference, unknown } = checked(input);
  const { idempotencyKey, askedBy, browserOrigin = null } = input;
  const requestSha256 = idempotencyKey === null ? null : hashOf([request, reference, browserOrigin]);
  const wish = { idempotencyKey, requestSha256, reference, askedBy };
  const { creation, isNew } = await intend(context.db.kysely, wish);
  if (isNew) return { ...(await askVendor(context, creation, request)), unknown, isNew };
  const earlier = answerOf(creation, requestSha256);
  if (earlier) return { ...earlier, unknown, isNew };
  const again = await intendAgain(context.db.kysely, creation.id, wish);
  if (!again) throw underWay(creation);
  return { ...(await askVendor(context, again, request)), unknown, isNew: true };
}

function checked({ wanted: given, idempotencyKey }: CreationInput) {
  const wanted = asItIsNow(given);
  const { reference: named, ...wish } = isObject(wanted) ? wanted : { reference: undefined };
  const reference = readReference(named);
  const { request, mistakes, unknown } = checkTransactionRequest(isObject(wanted) ? wish : wanted);
  const all = [
    ...mistakes,
    ...(reference === undefined ? ['reference must be 1 to 64 of A-Z a-z 0-9 . _ : -'] : []),
    ...(idempotencyKey === null || isIdempotencyKey(idempotencyKey)
      ? []
      : ['the idempotency key must be 1 to 255 visible ASCII characters']),
  ];
  if (all.length > 0 || reference === undefined) throw invalid(all);
  return { request, reference, unknown };
}

const invalid = (mistakes: readonly string[], cause?: unknown): LedgerError =>
  new LedgerError('request_invalid', `The transaction cannot be created: ${mistakes.join('; ')}.`, {
    fields: { mistakes: mistakes.length },
    hint: 'Nothing was asked of the vendor. docs/producers.md describes the request.',
    cause,
  });

/** What is checked, hashed and sent is the same, also where the caller changes his object meanwhile. */
function asItIsNow(wanted: unknown): unknown {
  const lost: unknown[] = [];
  const text = textOf(wanted, (value) => {
    if (isLost(value)) lost.push(value);
    return value;
  });
  if (lost.length > 0) throw invalid(['it holds what JSON does not: a function, a symbol, or a number without end']);
  return text === undefined ? undefined : JSON.parse(text);
}

function textOf(wanted: unknown, seen: (value: unknown) => unknown): string | undefined {
  try {
    return JSON.stringify(wanted, (_name, value) => seen(value));
  } catch (error) {
    throw invalid(['the request cannot be written as JSON'], error);
  }
}

/** JSON would leave it out, or put `null` in its place. */
const isLost = (value: unknown): boolean =>
  typeof value === 'number' ? !Number.isFinite(value) : typeof value === 'function' || typeof value === 'symbol';

/** The same for the same values, whatever the order of their fields. */
const hashOf = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(value, (_name, inner: unknown) => (isObject(inner) ? inOrder(inner) : inner)))
    .digest('hex');

const inOrder = (fields: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `null` = there is none; `undefined` = it is none that is kept. */
function readReference(given: unknown): string | null | undefined {
  if (given === undefined || given === null) return null;
  return typeof given === 'string' && isReference(given) ? given : undefined;
}

/** What an earlier request with the same key came to; `undefined` = it was refused, and may be tried again. */
function answerOf(creation: Creation, requestSha256: string | null): Created | undefined {
  const { transactionId, url, expiresAt } = creation;
  if (creation.isRefused) return undefined;
  if (creation.requestSha256 !== null && creation.requestSha256 !== requestSha256) throw keyReused();
  if (creation.isUnderWay) throw underWay(creation);
  if (creation.isResolved) throw resolved(creation, transactionId);
  if (transactionId === null) throw unanswered(creation);
  if (url !== null) return { transactionId, url, expires: expiresAt };
  throw creation.errorCode === 'creation_without_address' ? withoutAddress(transactionId) : expired(transactionId);
}
