import type { Evidence, TimeBasis } from './attempts.ts';
import type { DecidingRule, Reason } from './classify.ts';
import type { SettlementReason } from './settlement.ts';

/** Chooses between two forms of a word. @example form(1, 'it', 'them') // 'it' */
export const form = (quantity: number | bigint, one: string, many: string): string =>
  BigInt(quantity) === 1n ? one : many;

/** `1 line`, `2 lines`. */
export const counted = (quantity: number | bigint, one: string, many = `${one}s`): string =>
  `${quantity} ${form(quantity, one, many)}`;

/** What the names in the books mean, for people. `docs/invoicing-rules.md` is the contract behind them. */
export const evidenceMeaning: Readonly<Record<Evidence, string>> = {
  scan_list: "an entry of documentScans[] in the vendor's answer",
  task_completed_transaction: 'a task without a list of scans, in a completed transaction: so it was executed',
  task_open_transaction:
    'a task without a list of scans, in a transaction that is not completed: only its state says whether it was executed',
  counter_invoiced: 'a scan that the vendor does not list; its counter says that it is invoiced',
  counter_not_invoiced: 'a scan that the vendor does not list; its counter says that it is not invoiced',
  count_only: 'a scan that the vendor counts but does not list',
};

export const timeBasisMeaning: Readonly<Record<TimeBasis, string>> = {
  scan_created: "the scan's created",
  transaction_completed: "the transaction's completed, for an attempt without a time of its own",
  last_scan_created: 'the last listed scan of the transaction, used until the transaction has a completed',
  transaction_created: "the transaction's created, used until the transaction has a completed",
};

export const reasonMeaning: Readonly<Record<Reason, string>> = {
  success_invoiced: 'The scan succeeded, and the rule for success says that it is invoiced.',
  success_not_invoiced: 'The scan succeeded, and the rule for success says that it is not invoiced.',
  code_invoiced: 'The rule for this code says that the scan is invoiced.',
  code_not_invoiced: 'The rule for this code says that the scan is not invoiced.',
  executed_task_invoiced:
    'The task was executed, and the rule for executed tasks of this type says that it is invoiced.',
  executed_task_not_invoiced:
    'The task was executed, and the rule for executed tasks of this type says that it is not invoiced.',
  vendor_counter_invoiced: "The scan is not listed, and the vendor's counter counts it as invoiced.",
  vendor_counter_not_invoiced: "The scan is not listed, and the vendor's counter does not count it as invoiced.",
  code_without_rule: 'No rule covers this code, so nothing says whether it is invoiced.',
  execution_unknown:
    'The transaction is not completed and no rule names this state. Perhaps the task was never begun, so nothing says whether it is invoiced.',
  scan_not_listed: "The scan is not listed, and the vendor's counters do not say whether it is invoiced.",
  task_type_without_rule: 'The rule table says nothing about this type of task.',
  no_rule_table_in_force: 'No rule table is in force at the time of the attempt.',
};

/** What a rule is about: one code (`null` = success), or what the words say. */
export function ruleSubject(rule: DecidingRule): { readonly code: string | null } | { readonly words: string } {
  switch (rule.kind) {
    case 'code':
      return { code: rule.outcomeCode };
    case 'executed_task':
      return { words: 'every executed task' };
    default:
      return rule satisfies never;
  }
}

export const settlementMeaning: Readonly<Record<SettlementReason, string>> = {
  not_fetched: 'the vendor has not answered for it yet',
  completed: 'it is completed and no scan is being processed',
  expired: 'it was fetched after its expiry and the grace period',
  scan_processing: 'the vendor is still processing a scan',
  not_completed: 'it is not completed, and its user may go on until it expires',
  to_be_confirmed: 'it is completed, but the last answer did not say so',
};
