import { setTimeout as delay } from 'node:timers/promises';
import { type Creation, recordCreated, recordFailed } from '../../db/creations.ts';
import { asDatabaseError } from '../../db/database.ts';
import type { TransactionRequest } from '../../domain/transaction-request.ts';
import { type ErrorCode, errorCode, LedgerError } from '../../errors.ts';
import type { VendorClient } from '../../id-scan/client.ts';
import type { CreatedTransaction } from '../../id-scan/created.ts';
import { within } from '../../within.ts';
import { leaseMs } from '../queue/queues.ts';
import { givenTwice, unanswered, unrecorded, withoutAddress } from './creation-errors.ts';
import { type IntakeContext, wakeWithin } from './intake.ts';

export type CreatingContext = IntakeContext & {
  readonly vendor: Pick<VendorClient, 'createTransaction'>;
  readonly log: { readonly [level in 'warn' | 'error']: (fields: object, message: string) => void };
};

/** A transaction that somebody can perform. */
export type Created = CreatedTransaction & { readonly url: string };

/**
 * With these the vendor has certainly created nothing. With any other failure it may have: a redirect may be the answer
 * to a creation, and a call that a shutdown broke off may have been sent.
 */
const refusals: readonly ErrorCode[] = [
  'vendor_rejected',
  'vendor_unauthorized',
  'vendor_forbidden',
  'vendor_not_found',
  'vendor_gone',
  'vendor_rate_limited',
];
/** Failures before anything was sent. */
const unsentCauses = ['ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'];
/** The same, where it was connecting that failed. */
const unsentWhileConnecting = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH'];

const recordWithinMs = 10_000;
const betweenTriesMs = 250;
const wakeWithinMs = 2_000;

/**
 * Asks the vendor once, and commits what it says.
 *
 * @throws LedgerError `vendor_…` if the vendor refused; `creation_unanswered` if the books do not have its answer;
 * `creation_without_address`. Never `database_…`: whoever repeats the call for that is charged twice.
 */
export async function askVendor(
  context: CreatingContext,
  creation: Creation,
  request: TransactionRequest,
): Promise<Created> {
  let answer: CreatedTransaction;
  try {
    answer = await context.vendor.createTransaction(request);
  } catch (error) {
    const isRefused = refusals.includes(errorCode(error)) || wasNeverSent(error);
    await noteFailure(context, creation, errorCode(error), isRefused);
    throw isRefused ? error : unanswered(creation, error);
  }
  await record(context, creation, answer);
  const { url, transactionId } = answer;
  if (url === null) throw withoutAddress(transactionId);
  return { ...answer, url };
}

async function record(context: CreatingContext, creation: Creation, answer: CreatedTransaction): Promise<void> {
  const { db, log } = context;
  const { transactionId } = answer;
  const problem = answer.url === null ? 'creation_without_address' : null;
  const recorded = await tryFor(
    recordWithinMs,
    () => recordCreated(db, creation.id, answer, problem, leaseMs),
    // At once: this process may be gone before the last try.
    (failure) => log.warn(unrecordedFields(creation, transactionId, failure), 'a creation is not recorded yet'),
  );
  if ('failure' in recorded) throw unrecordedHere(context, creation, transactionId, recorded.failure);
  if ('isOf' in recorded.value) {
    const { isOf } = recorded.value;
    await noteFailure(context, creation, 'vendor_answer_mismatch', false);
    const fields = { code: 'vendor_answer_mismatch', creation: creation.id, transactionId, isOf };
    log.error(fields, 'the vendor gave the transaction of another creation');
    throw givenTwice(creation, transactionId, isOf);
  }
  // It is committed: whatever happens now, the sweep finds it.
  await wakeWithin(context, recorded.value, wakeWithinMs).catch((error: unknown) =>
    log.error({ err: error, code: errorCode(error), transactionId }, 'workers were not woken for a new transaction'),
  );
}

/** The log is where the ID is found again if nobody keeps the error. */
function unrecordedHere(
  { log }: CreatingContext,
  creation: Creation,
  transactionId: string,
  failure: unknown,
): LedgerError {
  log.error(
    unrecordedFields(creation, transactionId, failure),
    'the vendor created a transaction, and that could not be recorded',
  );
  return unrecorded(creation, transactionId, asDatabaseError(failure));
}

function unrecordedFields({ id: creation }: Creation, transactionId: string, failure: unknown) {
  const err = asDatabaseError(failure);
  return { err, code: errorCode(err), creation, transactionId };
}

/** What is not noted counts as unanswered two minutes later. */
async function noteFailure(
  { db, log }: CreatingContext,
  { id }: Creation,
  code: ErrorCode,
  isRefused: boolean,
): Promise<void> {
  const noted = await tryFor(recordWithinMs, () => recordFailed(db.kysely, id, code, isRefused));
  if (!('failure' in noted)) return;
  const error = asDatabaseError(noted.failure);
  const fields = { err: error, code: errorCode(error), creation: id, vendorCode: code };
  log.error(fields, 'why the vendor created nothing could not be recorded');
}

/** Tries something that may be repeated until it succeeds or the time is over. A late try goes on, and may succeed. */
async function tryFor<T>(
  forMs: number,
  work: () => Promise<T>,
  failedFirst: (failure: unknown) => void = () => undefined,
): Promise<{ value: T } | { failure: unknown }> {
  const untilMs = performance.now() + forMs;
  for (let tries = 1; ; tries += 1) {
    try {
      return { value: await within(untilMs - performance.now(), work(), late) };
    } catch (failure) {
      if (tries === 1) failedFirst(failure);
      if (performance.now() + betweenTriesMs >= untilMs) return { failure };
      await delay(betweenTriesMs);
    }
  }
}

const late = (): LedgerError => new LedgerError('database_unavailable', 'Postgres does not answer in time.');

function wasNeverSent(error: unknown): boolean {
  const { cause } = error instanceof LedgerError ? error : {};
  if (!(cause instanceof Error)) return false;
  const { code, syscall } = cause as NodeJS.ErrnoException;
  const is = (codes: readonly string[]): boolean => code !== undefined && codes.includes(code);
  return is(unsentCauses) || (is(unsentWhileConnecting) && syscall === 'connect');
}
