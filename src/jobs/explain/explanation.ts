import type { FileRow, RequestRow, TaskRow, TransactionRow, WorkRow } from '../../db/explain.ts';
import type { ChargeRow } from '../../db/usage-statements.ts';
import type { Withdrawal } from '../../db/withdrawals.ts';
import type { Evidence, TimeBasis } from '../../domain/attempts.ts';
import type { DecidingRule, Decision } from '../../domain/classify.ts';
import type { SettlementReason } from '../../domain/settlement.ts';
import type { ErrorCode } from '../../errors.ts';

/**
 * Everything the books say about one transaction and why, as plain data: for the command line, `--json` and other
 * readers. Contains no personal data, URLs or file names. `docs/operations.md` sends users of `--json` here: its keys
 * are these in snake_case.
 */
export type Explanation = {
  readonly format: 'idscan-ledger-explanation-1';
  readonly asked: Asked;
  readonly transaction: ExplainedTransaction;
  readonly requests: readonly RequestRow[];
  /** Every withdrawal of the transaction, and whether it was put back. */
  readonly withdrawals: readonly Withdrawal[];
  readonly work: readonly ExplainedWork[];
  readonly tasks: readonly ExplainedTask[];
  readonly attempts: readonly ExplainedAttempt[];
  /** Changes that belong to closed months and are not booked yet; `null` = none. */
  readonly lateChange: LateChange | null;
  readonly files: readonly FileRow[];
  /** What the vendor's usage statements charge for it, where some are kept. */
  readonly charges: readonly ChargeRow[];
  /** What is wrong, or will change with the next report. Empty if the books are in order. */
  readonly problems: readonly ExplainedProblem[];
  readonly basis: { readonly timeZone: string; readonly rulesSha256: string; readonly pricesSha256: string | null };
};

/** Whether it is out of the books: withdrawn, not put back, and never answered for by the vendor. */
export const isOut = ({ withdrawals, transaction }: Pick<Explanation, 'withdrawals' | 'transaction'>): boolean =>
  transaction.createdAt === null && withdrawals.at(-1)?.revivedAt === null;

/** How the given ID was understood. */
export type Asked = {
  readonly id: string;
  /** `delivered_result`: it was delivered as a result ID, but the transaction has another one. */
  readonly foundAs: 'transaction' | 'result' | 'delivered_result';
  /** Other transactions that the ID could also mean. */
  readonly otherTransactions: readonly string[];
};

export type ExplainedTransaction = TransactionRow & {
  readonly id: string;
  readonly settlement: SettlementReason;
  readonly settlementMeaning: string;
  /** From then on one fetch settles it; `null` = not fetched yet, or settled. */
  readonly settledFrom: Date | null;
  /** When it is fetched again; `null` = not automatically. */
  readonly nextLookAt: Date | null;
};

/** @property isWanted `false` = switched off, so it is not done. */
export type ExplainedWork = WorkRow & { readonly isWanted: boolean };

export type Comparison = 'match' | 'mismatch' | 'absent';

/** The vendor's counters compared with ours. `counterStatus` is that of the detail file. */
export type ExplainedTask = TaskRow & { readonly attemptsStatus: Comparison; readonly counterStatus: Comparison };

export type LateChange = {
  readonly changes: number;
  readonly since: Date;
  /** The month whose report books it. */
  readonly bookedWith: string;
  /** `false` = the booked lines are still right, in spite of the change. */
  readonly changesLines: boolean;
};

export type ExplainedAttempt = {
  readonly taskType: string;
  readonly ordinal: number;
  /** The attempt as it is now; `null` = it was booked but no longer exists. */
  readonly present: PresentAttempt | null;
  /** All its lines in reports, by month: booked ones, then provisional ones. */
  readonly lines: readonly ExplainedLine[];
};

export type PresentAttempt = {
  readonly attemptedAt: Date;
  readonly timeBasis: TimeBasis;
  readonly timeBasisMeaning: string;
  readonly evidence: Evidence;
  readonly evidenceMeaning: string;
  readonly code: string | null;
  readonly linked: boolean | null;
  readonly captureSource: string | null;
  readonly firstSeenAt: Date;
  readonly decision: ExplainedDecision;
  /** What the rules loaded now decide, if that differs: the next report decides so. `null` = the same. */
  readonly decisionDue: ExplainedDecision | null;
  readonly month: ExplainedMonth;
};

export type ExplainedMonth = {
  readonly period: string;
  readonly start: Date;
  readonly end: Date;
  readonly timeZone: string;
  /** `passed_over`: never closed, but a later month is. Its lines are booked as corrections. */
  readonly state: 'open' | 'closed' | 'passed_over';
};

export type ExplainedDecision = Decision & {
  readonly reasonMeaning: string;
  /** The rule that decided; `null` = none did. */
  readonly rule: DecidingRule | null;
  readonly ruleTable: RuleTableNote | null;
  /** Whether the rule table leads to this decision; `null` = the table was not found. */
  readonly isReproduced: boolean | null;
};

/** @property sha256 of the file that contains the table. */
export type RuleTableNote = {
  readonly version: string;
  readonly effectiveFrom: string;
  readonly effectiveTo: string | null;
  readonly source: string;
  readonly sha256: string;
};

/** A line of a detail file. */
export type ExplainedLine = {
  /** `provisional`: of an open month, so it can still change. */
  readonly status: 'booked' | 'provisional';
  readonly period: string;
  readonly correctsPeriod: string | null;
  /** -1 takes back a line that was booked earlier. */
  readonly quantity: 1 | -1;
  readonly file: string;
  /** The row in the file, from 1, and the line of the file, where the header is line 1. `null` = not fixed yet. */
  readonly row: number | null;
  readonly fileLine: number | null;
  readonly close: ExplainedClose | null;
  readonly resultId: string | null;
  readonly attemptedAt: Date;
  readonly code: string | null;
  readonly transactionState: string | null;
  readonly settled: boolean;
  readonly decision: ExplainedDecision;
  readonly price: ExplainedPrice;
  readonly vendorAttempts: number | null;
  readonly vendorAttemptsInvoiced: number | null;
  readonly counterStatus: Comparison;
};

export type ExplainedClose = {
  readonly version: number;
  readonly closedAt: Date;
  readonly closedBy: string;
  readonly forcedReason: string | null;
  readonly manifestSha256: string;
  readonly rulesSha256: string;
  readonly pricesSha256: string | null;
};

/** What a line costs, and by which entry of which list. `model` is `null` if the list has no price for it. */
export type ExplainedPrice = {
  readonly listVersion: string | null;
  readonly currency: string | null;
  readonly level: string | null;
  readonly model: 'flat' | 'graduated' | 'volume' | null;
  /** The level of the entry; `null` = the entry for all levels without a price of their own. */
  readonly entryLevel: string | null;
  readonly effectiveFrom: string | null;
  readonly effectiveTo: string | null;
  readonly freeAllowance: string | null;
  readonly tier: string | null;
  /** Which unit of the month it is; `null` if that does not affect the price. */
  readonly position: string | null;
  readonly unitPrice: string | null;
  readonly amount: string | null;
};

/** @property code the refusal or error that a report would end with, or what is wrong with the books. */
export type ExplainedProblem = {
  readonly code: ErrorCode | 'decision_due' | 'decision_not_reproduced' | 'in_no_report';
  readonly message: string;
};
