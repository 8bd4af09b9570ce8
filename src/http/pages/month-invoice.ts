import type { MonthStanding } from '../../db/settlements.ts';
import { minorUnitDigits } from '../../domain/money.ts';
import { counted, money, monthName, nothing } from './format.ts';
import { type Html, html } from './html.ts';
import type { Section } from './month-parts.ts';

/** How a month stands with the vendor's invoice; `undefined` = it was never reconciled. */
export type MonthInvoice = { readonly standing: MonthStanding | undefined; readonly isOver: boolean };

/** For one line of a list. */
export function invoiceStanding(period: string, { standing, isOver }: MonthInvoice): Html {
  if (!standing && !isOver) return nothing;
  const link = (text: Html) =>
    html`<a href="/reports/${period}/invoice">${text}<span class="unseen">, ${monthName(period)}</span></a>`;
  if (!standing) return link(html`no invoice yet`);
  if (standing.open === 0) return html`<span class="tag good">${link(html`Reconciled`)}</span>`;
  return html`${link(html`${counted(standing.open, 'open finding')}`)}${disputed(standing)}`;
}

const disputed = ({ disputed: amount, currency }: MonthStanding): Html | null =>
  amount === 0n
    ? null
    : html`<br /><span class="faint"
          >${money(amount, { currency, minorDigits: minorUnitDigits(currency) })} disputed</span
        >`;

/** The link to the page of the vendor's invoice. */
export function invoiceSection(period: string, { standing, isOver }: MonthInvoice): Section {
  const path = `/reports/${period}/invoice`;
  const body = !isOver
    ? html`<p>There is one when the month is over.</p>`
    : standing
      ? html`<p>
          ${standing.open === 0 ? html`<span class="tag good">Reconciled</span>` : html`<span class="tag warn">${counted(standing.open, 'open finding')}</span>`}
          ${counted(standing.findings, 'finding')}${standing.disputed === 0n ? null : html`, ${money(standing.disputed, { currency: standing.currency, minorDigits: minorUnitDigits(standing.currency) })} disputed`}.
          <a href="${path}">The invoice against the books</a>
        </p>`
      : html`<p>No invoice was given yet. <a href="${path}">Give it</a>, to see why it differs from the books.</p>`;
  return { id: 'invoice', title: 'The vendor’s invoice', body };
}
