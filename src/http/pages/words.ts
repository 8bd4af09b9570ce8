import type { BlockerKind } from '../../db/blockers.ts';
import { monthlyMinimum } from '../../domain/report-lines.ts';
import type { ReportKind } from '../../reports/files.ts';
import type { DialectName } from '../../reports/names.ts';
import { type Html, html } from './html.ts';

const tasks: Readonly<Record<string, string>> = {
  document_scan: 'Document scan',
  face_liveness: 'Face liveness',
  face_match: 'Face match',
  [monthlyMinimum]: 'Monthly minimum',
};

/** A task type in words; one that we have no word for, as the vendor calls it. */
export const taskName = (taskType: string): string =>
  (Object.hasOwn(tasks, taskType) ? tasks[taskType] : undefined) ?? taskType;

/** An outcome: the vendor's code as it is, for it is what is searched for. */
export const outcome = (code: string | null): Html => (code === null ? html`Success` : html`<code>${code}</code>`);

export const verdict = (invoiced: boolean | null): Html => {
  if (invoiced === null) return html`<span class="tag warn">Unclassified</span>`;
  return invoiced ? html`<span class="tag">Invoiced</span>` : html`<span class="tag quiet">Not invoiced</span>`;
};

export const blockerWords: Readonly<Record<BlockerKind, readonly [name: string, about: string]>> = {
  unsettled: ['Not final yet', 'Transactions that may still change: wait, or look at the queues'],
  failed: ['Given up', 'Transactions that could not be fetched: an operator has them fetched again'],
  unclassified: ['Unclassified', 'Attempts with an outcome that no rule covers: complete the rule table'],
  unpriced: ['Without a price', 'Invoiced attempts that the price list has no price for: complete the price list'],
  gone: ['Removed by hand', 'Attempts that the books knew and the tables no longer hold: restore them from a backup'],
};

export const disagreementWords = (reason: string): string =>
  ({
    attempt_count_differs: 'Another number of attempts',
    invoiced_count_differs: 'Another number of invoiced attempts',
    scan_list_missing: 'Scans counted and not listed',
    listed_twice: 'Scans listed more than once',
  })[reason] ?? reason;

export const fileWords: Readonly<Record<ReportKind, readonly [name: string, about: string]>> = {
  summary: ['Summary', 'A row per cost line, the total last'],
  detail: ['Detail', 'A row per attempt, invoiced or not'],
  codes: ['Codes', 'A row per task and outcome'],
  discrepancies: ['Discrepancies', 'A row per disagreement with the vendor’s counters'],
};

export const dialectWords: Readonly<Record<DialectName, string>> = {
  'excel-en': 'Excel, English',
  'excel-nl': 'Excel, Dutch',
  'excel-de': 'Excel, German',
  'excel-fr': 'Excel, French',
};
