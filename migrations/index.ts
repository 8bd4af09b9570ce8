import type { Migration } from 'kysely/migration';
import * as books from './20261123000000_books.ts';
import * as reprocessLog from './20261123010000_reprocess_log.ts';
import * as closing from './20261123020000_closing.ts';
import * as history from './20261123030000_history.ts';
import * as webhookInbox from './20261123040000_webhook_inbox.ts';
import * as searchPath from './20261123050000_search_path.ts';
import * as closingGuards from './20261123060000_closing_guards.ts';
import * as lateChanges from './20261123070000_late_changes.ts';
import * as notifications from './20261123080000_notifications.ts';
import * as intakeResult from './20261123090000_intake_result.ts';
import * as findings from './20261123100000_findings.ts';
import * as triggerPlans from './20261127000000_trigger_plans.ts';
import * as tasksInDisagreement from './20261127010000_tasks_in_disagreement.ts';
import * as documentStore from './20261128000000_document_store.ts';
import * as endedSessions from './20261128010000_ended_sessions.ts';
import * as workerHeartbeats from './20261128020000_worker_heartbeats.ts';
import * as attemptIdentity from './20261128030000_attempt_identity.ts';
import * as withdrawals from './20261128040000_withdrawals.ts';
import * as reidentifiedAttempts from './20261128050000_reidentified_attempts.ts';
import * as lateAnswers from './20261129010000_late_answers.ts';
import * as vendorInvoices from './20261129020000_vendor_invoices.ts';
import * as usageStatements from './20261129030000_usage_statements.ts';
import * as findingSettlements from './20261129040000_finding_settlements.ts';
import * as missingResultIds from './20261129050000_missing_result_ids.ts';
import * as workerStores from './20261129060000_worker_stores.ts';
import * as custody from './20261130000000_custody.ts';
import * as taxableAmounts from './20261130010000_taxable_amounts.ts';
import * as creations from './20261130020000_creations.ts';
import * as browserReports from './20261130030000_browser_reports.ts';
import * as creationCallers from './20261130040000_creation_callers.ts';
import * as custodyGuards from './20261130050000_custody_guards.ts';
import * as decisionsOnAmounts from './20261130060000_decisions_on_amounts.ts';
import * as usageRowIndex from './20261130070000_usage_row_index.ts';
import * as creationResolutions from './20261130120000_creation_resolutions.ts';
import * as vendorFileWithdrawals from './20261130130000_vendor_file_withdrawals.ts';
import * as longTransactions from './20261130140000_long_transactions.ts';
import * as laterLooks from './20261130150000_later_looks.ts';
import * as retentionRounds from './20261130160000_retention_rounds.ts';
import * as usageRowSummaries from './20261130170000_usage_row_summaries.ts';
import * as decidedRests from './20261130180000_decided_rests.ts';
import * as findingPlaces from './20261130190000_finding_places.ts';
import * as booksId from './20261201000000_books_id.ts';
import * as usagePartsInline from './20261201010000_usage_parts_inline.ts';

/** All migrations by name, in the order in which they run. Append only. */
export const migrations: Record<string, Migration> = {
  '20261123000000_books': books,
  '20261123010000_reprocess_log': reprocessLog,
  '20261123020000_closing': closing,
  '20261123030000_history': history,
  '20261123040000_webhook_inbox': webhookInbox,
  '20261123050000_search_path': searchPath,
  '20261123060000_closing_guards': closingGuards,
  '20261123070000_late_changes': lateChanges,
  '20261123080000_notifications': notifications,
  '20261123090000_intake_result': intakeResult,
  '20261123100000_findings': findings,
  '20261127000000_trigger_plans': triggerPlans,
  '20261127010000_tasks_in_disagreement': tasksInDisagreement,
  '20261128000000_document_store': documentStore,
  '20261128010000_ended_sessions': endedSessions,
  '20261128020000_worker_heartbeats': workerHeartbeats,
  '20261128030000_attempt_identity': attemptIdentity,
  '20261128040000_withdrawals': withdrawals,
  '20261128050000_reidentified_attempts': reidentifiedAttempts,
  '20261129010000_late_answers': lateAnswers,
  '20261129020000_vendor_invoices': vendorInvoices,
  '20261129030000_usage_statements': usageStatements,
  '20261129040000_finding_settlements': findingSettlements,
  '20261129050000_missing_result_ids': missingResultIds,
  '20261129060000_worker_stores': workerStores,
  '20261130000000_custody': custody,
  '20261130010000_taxable_amounts': taxableAmounts,
  '20261130020000_creations': creations,
  '20261130030000_browser_reports': browserReports,
  '20261130040000_creation_callers': creationCallers,
  '20261130050000_custody_guards': custodyGuards,
  '20261130060000_decisions_on_amounts': decisionsOnAmounts,
  '20261130070000_usage_row_index': usageRowIndex,
  '20261130120000_creation_resolutions': creationResolutions,
  '20261130130000_vendor_file_withdrawals': vendorFileWithdrawals,
  '20261130140000_long_transactions': longTransactions,
  '20261130150000_later_looks': laterLooks,
  '20261130160000_retention_rounds': retentionRounds,
  '20261130170000_usage_row_summaries': usageRowSummaries,
  '20261130180000_decided_rests': decidedRests,
  '20261130190000_finding_places': findingPlaces,
  '20261201000000_books_id': booksId,
  '20261201010000_usage_parts_inline': usagePartsInline,
};
