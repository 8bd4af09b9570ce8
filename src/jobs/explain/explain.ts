import { lateChangesOf } from '../../db/explain-lines.ts';
import {
  attemptRows,
  type AttemptRow,
  fileRows,
  meaningsOf,
  requestRows,
  taskRows,
  type TaskRow,
  transactionRow,
  type TransactionRow,
  workRows,
  type WorkRow,
} from '../../db/explain.ts';
import type { Queries } from '../../db/database.ts';
import { type PeriodClose, periodCloses } from '../../db/period-closes.ts';
import { withSnapshot } from '../../db/snapshot.ts';
import { chargesOf } from '../../db/usage-statements.ts';
import { withdrawalsOf } from '../../db/withdrawals.ts';
import { nextPeriod } from '../../domain/billing-month.ts';
import { settledFrom, settlementReason } from '../../domain/settlement.ts';
import { settlementMeaning } from '../../domain/wording.ts';
import { errorCode, LedgerError } from '../../errors.ts';
import { checkBooks } from '../month/closed-months.ts';
import { type Context, wantedKinds } from '../context.ts';
import { explainAttempts, type Line, problemsOf, provisionalLines } from './explain-attempts.ts';
import { openArchive } from './explain-lines.ts';
import type * as Explained from './explanation.ts';
import { normaliseId } from '../../domain/transaction-id.ts';

/**
 * Explains a transaction: what is known about it, how each of its attempts was decided and priced, and in which report
 * each is. Reads one snapshot and changes nothing. Lines of closed months are the booked ones; lines of open months
 * come from the same SQL as their reports.
 *
 * @param id of a transaction, or of its result.
 * @throws LedgerError `transaction_unknown`, `database_unavailable`
 */
export async function explain(context: Context, id: string): Promise<Explained.Explanation> {
  const known = normaliseId(id);
  if (known === undefined)
    throw new LedgerError('transaction_unknown', 'That is not an ID of a transaction or a result.', {
      hint: 'An ID has 1 to 128 letters, digits, "_" and "-".',
    });
  return withSnapshot(context.db, ({ queries }) => explainIn(context, queries, known));
}

async function explainIn(context: Context, queries: Queries, id: string): Promise<Explained.Explanation> {
  const { config, rules, prices } = context;
  const asked = await askedFor(queries, id);
  const { transactionId } = asked;
  const closes = await periodCloses(queries);
  const archive = openArchive(context, queries, closes);
  const row = await transactionRow(queries, transactionId);
  const work = await workRows(queries, transactionId);
  const attempts = await attemptRows(queries, transactionId);
  const provisional = await provisionalLines(context, queries, archive, { transactionId, attempts });
  const explained = await explainAttempts(context, queries, archive, { transactionId, attempts, provisional });
  const wanted = wantedKinds(config);
  return {
    format: 'idscan-ledger-explanation-1',
    asked: asked.asked,
    transaction: explainTransaction(transactionId, row, work, attempts),
    requests: await requestRows(queries, transactionId),
    withdrawals: await withdrawalsOf(queries, transactionId),
    work: work.map((one) => ({ ...one, isWanted: wanted.includes(one.kind) })),
    tasks: (await taskRows(queries, transactionId)).map(compareTask),
    attempts: explained,
    lateChange: await lateChange(queries, transactionId, closes, provisional),
    files: await fileRows(queries, transactionId),
    charges: await chargesOf(queries, transactionId),
    problems: [...(await problemsOfBooks(context, queries, closes)), ...explained.flatMap(problemsOf)],
    basis: {
      timeZone: config.billingTimeZone,
      rulesSha256: rules.sha256,
      pricesSha256: prices?.sha256 ?? null,
    },
  };
}

/**
 * A transaction takes precedence over a result with the same ID. If several transactions have the result, the first
 * counts.
 */
async function askedFor(queries: Queries, id: string): Promise<{ transactionId: string; asked: Explained.Asked }> {
  const { isTransaction, resultOf, deliveredFor } = await meaningsOf(queries, id);
  const found = [
    ...(isTransaction ? [{ transactionId: id, foundAs: 'transaction' as const }] : []),
    ...resultOf.map((transactionId) => ({ transactionId, foundAs: 'result' as const })),
    ...deliveredFor.map((transactionId) => ({ transactionId, foundAs: 'delivered_result' as const })),
  ];
  const [first] = found;
  if (!first)
    throw new LedgerError('transaction_unknown', `The books know no transaction or result ${id}.`, {
      fields: { id },
      hint: 'It was never enqueued here: check the ID, and DATABASE_URL. To keep its books: idscan-ledger enqueue.',
    });
  const { transactionId, foundAs } = first;
  const others = new Set(found.map((one) => one.transactionId).filter((one) => one !== transactionId));
  return { transactionId, asked: { id, foundAs, otherTransactions: [...others] } };
}

function explainTransaction(
  id: string,
  row: TransactionRow,
  work: readonly WorkRow[],
  attempts: readonly AttemptRow[],
): Explained.ExplainedTransaction {
  const isProcessing = attempts.some(({ evidence, code }) => evidence === 'scan_list' && code === 'processing');
  const settlement = settlementReason({ ...row, isProcessing });
  const fetch = work.find(({ kind }) => kind === 'result');
  return {
    id,
    ...row,
    settlement,
    settlementMeaning: settlementMeaning[settlement],
    settledFrom: row.settled || !row.createdAt ? null : settledFrom(row.createdAt, row.expiresAt),
    nextLookAt: fetch?.state === 'due' ? fetch.dueAt : null,
  };
}

function compareTask(task: TaskRow): Explained.ExplainedTask {
  const compare = (vendor: number | null, own: number): Explained.Comparison =>
    vendor === null ? 'absent' : vendor === own ? 'match' : 'mismatch';
  return {
    ...task,
    attemptsStatus: compare(task.vendorAttempts, task.ownAttempts),
    counterStatus: compare(task.vendorAttemptsInvoiced, task.ownInvoiced),
  };
}

async function lateChange(
  queries: Queries,
  transactionId: string,
  closes: readonly PeriodClose[],
  provisional: readonly Line[],
): Promise<Explained.LateChange | null> {
  const late = await lateChangesOf(queries, transactionId);
  const last = closes.at(-1);
  if (!late || !last) return null;
  return {
    ...late,
    bookedWith: nextPeriod(last.period),
    changesLines: provisional.some(({ line: { correctsPeriod } }) => correctsPeriod !== null),
  };
}

/** Why a report of an open month would be refused. */
async function problemsOfBooks(
  context: Context,
  queries: Queries,
  closes: readonly PeriodClose[],
): Promise<Explained.ExplainedProblem[]> {
  try {
    await checkBooks(context, queries, closes);
    return [];
  } catch (error) {
    if (!(error instanceof LedgerError) || errorCode(error) === 'database_unavailable') throw error;
    return [{ code: error.code, message: error.message }];
  }
}
