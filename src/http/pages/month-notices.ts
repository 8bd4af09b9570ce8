import type { MonthFigures } from '../../jobs/month/month-figures.ts';
import { attemptsLink } from './attempt-links.ts';
import { counted } from './format.ts';
import { type Html, html } from './html.ts';
import { notice } from './layout.ts';

/** What readers must know before they trust the figures. */
export function notices({ close, prices, lines, open, period, possiblyCreated }: MonthFigures): Html[] {
  const { totals } = lines;
  const found: Html[] = [];
  const warn = (body: Html) => found.push(notice('warn', html`<p>${body}</p>`));
  if (open?.refusal) warn(html`No report can be written just now. ${open.refusal}`);
  if (close?.forcedReason)
    warn(html`Closed in spite of what stood in the way. The reason given: “${close.forcedReason}”`);
  if (!prices)
    warn(
      html`No price list ${close ? 'was' : 'is'} in use, so there are quantities and no amounts. Once there are
      prices${close ? '' : ', also after this month was closed'}, the next open month books the amounts as corrections.`,
    );
  else if (totals.unpriced > 0n)
    warn(
      html`The price list has no price for
      ${attemptsLink(period, { only: 'unpriced' }, counted(totals.unpriced, 'invoiced attempt'))}. So there is no total:
      without them it would be too low.`,
    );
  if (totals.unclassified > 0n)
    warn(
      html`${attemptsLink(period, { invoiced: 'unclassified' }, counted(totals.unclassified, 'attempt'))}
      ${totals.unclassified === 1n ? 'is' : 'are'} unclassified: no rule says whether the vendor invoices
      ${totals.unclassified === 1n ? 'it' : 'them'}. No amount has ${totals.unclassified === 1n ? 'it' : 'them'}.`,
    );
  if (possiblyCreated > 0)
    warn(
      html`${counted(possiblyCreated, 'transaction')} ${possiblyCreated === 1 ? 'was' : 'were'} asked for, and no answer
        came: ${possiblyCreated === 1 ? 'it' : 'they'} may be charged for this month, and no report has
        ${possiblyCreated === 1 ? 'it' : 'them'}. Operators see ${possiblyCreated === 1 ? 'it' : 'them'} in
        <code>status</code>.`,
    );
  return found;
}
