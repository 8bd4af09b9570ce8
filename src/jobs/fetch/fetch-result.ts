import { type ObligationEnd, onDemand, type Started, type Wake } from '../../db/obligations.ts';
import { knownTransaction } from '../../db/known-transactions.ts';
import type { FileKind } from '../../db/files.ts';
import type { FetchedTransaction } from '../../db/record-fetched.ts';
import type { Attempt } from '../../domain/attempts.ts';
import { classify } from '../../domain/classify.ts';
import { inForceAt } from '../../domain/effective-dates.ts';
import type { TransactionFacts } from '../../domain/facts.ts';
import { isKept } from '../../domain/retention.ts';
import { type KnownTransaction, nothingKnown } from '../../domain/known-transaction.ts';
import { mergeAnswer } from '../../domain/merge-answer.ts';
import {
  isWorthAnotherFetch,
  secondFetchAt,
  settledFrom,
  type Settlement,
  settlementOf,
} from '../../domain/settlement.ts';
import { type ErrorCode, errorCode, LedgerError } from '../../errors.ts';
import type { VendorContext } from '../context.ts';

/**
 * Fetches a transaction's details and, if its result ID is known, its result. Decides every attempt, and stores
 * everything together with the end of the obligation in one database transaction. The attempts are in the details: if
 * only the result fails, the attempts are stored, and then the failure is thrown.
 *
 * @throws LedgerError `vendor_…`, `database_unavailable`
 */
export async function fetchResult(
  context: VendorContext,
  transactionId: string,
  started: Started,
): Promise<ObligationEnd['end']> {
  const { resultId, wasResultFetched } = started;
  const fetchedAt = context.now();
  // A result never changes and is full of personal data. It is requested once, and again only on demand.
  const isResultWanted = resultId !== null && (!wasResultFetched || started.basis === onDemand);
  const [details, result] = await Promise.allSettled([
    context.vendor.getTransaction(transactionId),
    isResultWanted ? context.vendor.getResult(transactionId, resultId) : Promise.resolve(null),
  ]);
  if (details.status === 'rejected') return withoutAnswer(context, transactionId, started, fetchedAt, details.reason);
  const facts = details.value;
  const resultFetched = result.status === 'fulfilled' && result.value !== null;
  const isRefused = result.status === 'rejected';
  const fetched = {
    transactionId,
    fetchedAt,
    fence: started.fence,
    resultFetched,
    ...offers(context, { facts, fetchedAt }, started, resultFetched || wasResultFetched),
  };
  const { due, end } = await recorded(context, facts, started, (merged) => {
    const settlement = settlementOf(facts, merged, fetchedAt);
    // Giving up the result must not end the search for further attempts. A result that was fetched before may be gone
    // by now.
    const isGivenUp =
      isRefused && (!settlement.settled || wasResultFetched) && givenUpCodes.includes(errorCode(result.reason));
    const found = endOf(context, settlement, { facts, merged, fetchedAt });
    return { ...fetched, isSettled: settlement.settled, end: isRefused && !isGivenUp ? null : found };
  });
  if (due.length > 0) await wakeSoon(context, due);
  if (!isRefused) return end?.end ?? 'done';
  if (!end) throw result.reason;
  const said = wasResultFetched ? 'its result is no longer with the vendor' : 'no such result so far';
  context.log.warn({ transactionId, code: errorCode(result.reason) }, said);
  return end.end;
}

/**
 * A settled transaction may be fetched again after the vendor has deleted it. Then everything is known that ever will
 * be.
 */
async function withoutAnswer(
  { log, writes }: VendorContext,
  transactionId: string,
  { known, fence }: Started,
  fetchedAt: Date,
  reason: unknown,
): Promise<ObligationEnd['end']> {
  const { transaction } = known;
  const isSettled = transaction?.createdAt && settledFrom(transaction.createdAt, transaction.expiresAt) <= fetchedAt;
  if (!transaction || !isSettled || !givenUpCodes.includes(errorCode(reason))) throw reason;
  const nothingNew = { resultFetched: false, ...noOffers, known, merged: transaction, isSettled: true };
  const due = await writes.recordFetched({ ...nothingNew, transactionId, fetchedAt, fence, end: { end: 'done' } });
  if (!due) throw reason;
  log.info({ transactionId, code: errorCode(reason) }, 'settled, and no longer with the vendor');
  return 'done';
}

/**
 * When the transaction is fetched again: until it is settled, and a few more times if what the vendor says is
 * contradictory.
 */
function endOf(
  { config }: VendorContext,
  settlement: Settlement,
  { facts, merged, fetchedAt }: { facts: TransactionFacts; merged: KnownTransaction; fetchedAt: Date },
): ObligationEnd {
  if (!settlement.settled) return { end: 'postponed', dueAt: settlement.nextFetchAt };
  const { createdAt, expiresAt } = merged;
  const again =
    config.recheckSettled && createdAt && isWorthAnotherFetch(facts, merged)
      ? secondFetchAt(createdAt, expiresAt, fetchedAt)
      : null;
  return again ? { end: 'postponed', dueAt: again } : { end: 'done' };
}

const givenUpCodes: readonly ErrorCode[] = ['vendor_not_found', 'vendor_gone', 'vendor_rejected'];

/** Merges the answer and stores it. Repeats that while another job stores something in between. */
async function recorded(
  context: VendorContext,
  facts: TransactionFacts,
  { known: knownAtStart, fence }: Pick<Started, 'known' | 'fence'>,
  describe: (merged: KnownTransaction) => Omit<FetchedTransaction, 'known' | 'merged'>,
): Promise<{ due: Wake[]; end: ObligationEnd | null }> {
  const { rules, config, writes, db } = context;
  const decide = (attempt: Attempt) =>
    classify(attempt, inForceAt(rules.content, attempt.attemptedAt, config.billingTimeZone));
  for (let known = knownAtStart; ; known = await knownTransaction(db.kysely, facts.transactionId)) {
    const isOlder = BigInt(known.fence) >= BigInt(fence);
    const merged = mergeAnswer(known.transaction ?? nothingKnown, facts, { fence: Number(fence), decide });
    const fetched = describe(merged);
    const due = await writes.recordFetched({ ...fetched, ...(isOlder ? noOffers : {}), known, merged });
    if (due) return { due, end: fetched.end };
  }
}

/** An answer to an older request than the last stored one offers nothing. */
const noOffers = { documentsOffer: null, auditReportOffer: null };

/**
 * The files to fetch, unless they would be destroyed at once because they are older than files are kept. After completion only the result offers files. Before completion the attempts offer them, until
 * the transaction expires (DOC).
 */
function offers(
  { config }: VendorContext,
  { facts, fetchedAt }: { facts: TransactionFacts; fetchedAt: Date },
  { resultId }: Started,
  isResultFetched: boolean,
) {
  const scanFiles = facts.tasks.flatMap((task) => task.scans ?? []).flatMap((scan) => scan.files).length;
  const ofScans = resultId === null && scanFiles > 0 ? `scans:${scanFiles}` : null;
  const ofResult = resultId !== null && isResultFetched ? `result:${resultId}` : null;
  const kept = (kind: FileKind) => isKept(facts, config.custody.retentionDays[kind], fetchedAt);
  return {
    documentsOffer: config.fetchDocuments && kept('document') ? (ofResult ?? ofScans) : null,
    auditReportOffer: config.fetchAuditReports && kept('audit_report') ? ofResult : null,
  };
}

/** Enqueues what is due. Postgres has it as due already, so if Redis cannot be reached, the sweep enqueues it. */
async function wakeSoon(context: VendorContext, due: readonly Wake[]): Promise<void> {
  try {
    await context.writes.wake(due);
  } catch (error) {
    // While Redis is away or refuses writes, one line in half a minute is enough, however many jobs end.
    if (error instanceof LedgerError && error.code === 'queue_unavailable') {
      context.onRedisTrouble(error.cause instanceof Error ? error.cause : error);
      return;
    }
    context.log.warn({ err: error, due: due.length }, 'not enqueued, left to the sweep');
  }
}
