import type { Obstacle } from '../../jobs/month/obstacles.ts';
import { monthlyMinimum } from '../../domain/report-lines.ts';
import type { ReportKind } from '../../domain/report-columns.ts';
import type { DialectName } from '../../reports/names.ts';
import { type Html, html } from './html.ts';

const tasks: Readonly<Record<string, string>> = {
  document_scan: 'Document scan',
  face_liveness: 'Face liveness',
  face_match: 'Face match',
  [monthlyMinimum]: 'Monthly minimum',
};

/** A task type in words. If we have no word for it, the vendor's name. */
export const taskName = (taskType: string): string =>
  (Object.hasOwn(tasks, taskType) ? tasks[taskType] : undefined) ?? taskType;

/** An outcome. The vendor's code is shown unchanged, because people search for it. */
export const outcome = (code: string | null): Html => (code === null ? html`Success` : html`<code>${code}</code>`);

export const verdict = (invoiced: boolean | null): Html => {
  if (invoiced === null) return html`<span class="tag warn">Unclassified</span>`;
  return invoiced ? html`<span class="tag">Invoiced</span>` : html`<span class="tag quiet">Not invoiced</span>`;
};

/** Short names for what prevents a close. */
export const obstacleNames: Readonly<Record<Obstacle['code'], string>> = {
  period_not_ended: 'Not over yet',
  period_closed: 'Closed already',
  period_out_of_order: 'Another month first',
  billing_time_zone_changed: 'Another time zone',
  currency_changed: 'Another currency',
  reference_changed: 'Rules or prices changed',
  unsettled: 'Not final yet',
  failed: 'Given up',
  unclassified: 'Unclassified',
  unpriced: 'Without a price',
  gone: 'Removed by hand',
};

export const disagreementWords = (reason: string): string =>
  ({
    attempt_count_differs: 'Another number of attempts',
    invoiced_count_differs: 'Another number of invoiced attempts',
    listed_twice: 'Scans listed twice',
    scan_list_missing: 'Scans counted and not listed',
    still_processing: 'Scans that were never decided',
  })[reason] ?? reason;

/** What the vendor's counter says of an attempt's task; `null` = nothing is known of it. */
export const counterWords = (status: string | null): string | null =>
  status === null
    ? null
    : ({ match: 'Counts the same', mismatch: 'Counts otherwise', absent: 'Does not count', stated: 'Counts at all' }[
        status
      ] ?? status);

export const fileWords: Readonly<Record<ReportKind, readonly [name: string, about: string]>> = {
  summary: ['Summary', 'A row per cost line, the total last'],
  detail: ['Detail', 'A row per attempt, invoiced or not'],
  references: ['By reference', 'A row per reference and cost line, to charge the cost on'],
  codes: ['Codes', 'A row per task and outcome'],
  discrepancies: ['Discrepancies', 'A row per disagreement with the vendor’s counters'],
};

export const dialectWords: Readonly<Record<DialectName, string>> = {
  'excel-en': 'Excel, English',
  'excel-nl': 'Excel, Dutch',
  'excel-de': 'Excel, German',
  'excel-fr': 'Excel, French',
};
