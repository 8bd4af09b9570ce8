import type { GoneDecision } from '../../db/gone-decisions.ts';
import { causeText } from '../../domain/reconciliation/causes.ts';
import { nothing } from './format.ts';
import { type Html, html } from './html.ts';
import { decidedText, difference } from './invoice-findings.ts';
import { type InvoicePage, section } from './invoice-parts.ts';
import { table } from './table.ts';

/** What was decided about findings that the month has no more: who, when, why, and the amount. */
export function goneSection({ gone, timeZone }: InvoicePage): Html | null {
  if (gone.length === 0) return null;
  return section(
    'gone',
    'Decided earlier and no longer found',
    table<GoneDecision>({
      id: 'gone-table',
      caption: 'The last run has no such difference: another invoice counts, the books moved, or it has another cause',
      rows: gone,
      columns: [
        {
          header: 'What it was about',
          isHeader: true,
          cell: ({ cause, subject }) =>
            html`<code class="wrap">${subject === '' ? cause : causeText({ cause, subject })}</code>`,
        },
        { header: 'Decision', cell: (one) => decidedText(one, timeZone) },
        {
          header: 'Invoice minus books',
          isNumber: true,
          cell: ({ amount, currency }) => (amount === null ? nothing : difference(amount, currency)),
        },
        { header: 'Reference', cell: ({ finding }) => html`<code>${finding}</code>` },
      ],
    }),
  );
}
