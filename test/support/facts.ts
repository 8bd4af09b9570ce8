import type { Attempt } from '../../src/domain/attempts.ts';
import { classify } from '../../src/domain/classify.ts';
import type { ScanFacts, TaskFacts, TransactionFacts } from '../../src/domain/facts.ts';
import { type KnownTransaction, nothingKnown } from '../../src/domain/known-transaction.ts';
import { mergeAnswer } from '../../src/domain/merge-answer.ts';
import { settlementOf } from '../../src/domain/settlement.ts';
import type { Database, Queries } from '../../src/db/database.ts';
import { recordIntake } from '../../src/db/intake.ts';
import { type Known, knownTransaction } from '../../src/db/known-transactions.ts';
import type { FetchedTransaction } from '../../src/db/record-fetched.ts';
import { readRuleTables } from '../../src/reference-data/rule-tables.ts';

export const shippedRules = readRuleTables(new URL('../../rules/id-scan.json', import.meta.url).pathname);
const [shippedTable] = shippedRules.content;

export const scan = (at: string, code: string | null, more: Partial<ScanFacts> = {}): ScanFacts => ({
  createdAt: new Date(at),
  code,
  source: 'camera',
  linked: false,
  files: [],
  ...more,
});

/** A document scan whose counters agree with its scans. */
export const scanTask = (scans: ScanFacts[], more: Partial<TaskFacts> = {}): TaskFacts => ({
  type: 'document_scan',
  state: 'completed',
  level: 'advanced',
  attempts: scans.length,
  attemptsInvoiced: scans.filter(({ code }) => code === null || !/^(processing|unknown_type)/.test(code)).length,
  scans,
  ...more,
});

export const faceTask = (type: 'face_liveness' | 'face_match', state: string | null = 'completed'): TaskFacts => ({
  type,
  state,
  level: null,
  attempts: null,
  attemptsInvoiced: null,
  scans: null,
});

export const facts = (transactionId: string, more: Partial<TransactionFacts> = {}): TransactionFacts => ({
  transactionId,
  state: 'completed',
  createdAt: new Date('2026-10-05T10:00:00Z'),
  expiresAt: new Date('2026-10-05T12:00:00Z'),
  completedAt: new Date('2026-10-05T10:10:00Z'),
  tasks: [scanTask([scan('2026-10-05T10:05:00Z', null)])],
  ...more,
});

/** Whether an answer settles what is known. */
function isSettledBy(said: TransactionFacts, known: KnownTransaction, fetchedAt: Date): boolean {
  return settlementOf(said, mergeAnswer(known, said, { fence: known.fence + 1, decide: decideByShipped }), fetchedAt)
    .settled;
}

/** An answer with all that a job makes of it before it looks at what is known. */
export type Answered = Omit<FetchedTransaction, 'known' | 'merged'> & { readonly facts: TransactionFacts };

export function fetchedOf(of: TransactionFacts, more: Partial<Answered> & { fence: string }): Answered {
  const fetchedAt = more.fetchedAt ?? new Date('2026-11-01T00:00:00Z');
  return {
    facts: of,
    transactionId: of.transactionId,
    fetchedAt,
    isSettled: isSettledBy(of, nothingKnown, fetchedAt),
    resultFetched: false,
    documentsOffer: null,
    auditReportOffer: null,
    end: null,
    ...more,
  };
}

export const decideByShipped = (attempt: Attempt) => classify(attempt, shippedTable);

/** What a job would store for an answer, after what is known. */
export function fetchedAfter(known: Known, { facts: said, ...answered }: Answered): FetchedTransaction {
  return {
    ...answered,
    known,
    merged: mergeAnswer(known.transaction ?? nothingKnown, said, {
      fence: Number(answered.fence),
      decide: decideByShipped,
    }),
  };
}

export const fetchedNow = async (db: Queries, answered: Answered): Promise<FetchedTransaction> =>
  fetchedAfter(await knownTransaction(db, answered.transactionId), answered);

export async function register(db: Database, transactionId: string, resultId: string | null = null): Promise<void> {
  await recordIntake(db.kysely, [{ transactionId, resultId }], 'file', 0);
}
