import type { WithdrawnFile } from '../../db/vendor-file-withdrawals.ts';
import type { CountingFile } from '../../jobs/reconcile/withdraw-file.ts';
import { mattering } from '../../jobs/reconcile/withdrawn.ts';
import { counted, moment } from './format.ts';
import { type Html, html } from './html.ts';
import { type InvoicePage, invoicePath, section } from './invoice-parts.ts';

/** The vendor's files that count for a month, to be taken back from it, and those that were. */
export function keptSection({ period, kept, withdrawn, gone, timeZone, mayDecide }: InvoicePage): Html | null {
  if (kept.length === 0 && withdrawn.length === 0) return null;
  // The page stands behind the run: it shows what that was the first without, too.
  const shown = mattering(withdrawn, gone, 1);
  const others = withdrawn.filter((one) => !shown.includes(one));
  return section(
    'kept',
    'Kept files',
    html`<ul>
        ${kept.map(({ name }) => html`<li>${name}</li>`)} ${shown.map((one) => withdrawnItem(one, timeZone))}
      </ul>
      ${
        others.length === 0
          ? null
          : html`<details>
              <summary>${counted(others.length, 'file')} withdrawn earlier</summary>
              <ul>
                ${others.map((one) => withdrawnItem(one, timeZone))}
              </ul>
            </details>`
      }
      ${mayDecide && kept.length > 0 ? withdrawForm(period, kept) : null}`,
  );
}

const withdrawnItem = ({ name, reason, withdrawnBy, withdrawnAt }: WithdrawnFile, timeZone: string): Html =>
  html`<li>
    ${name}, withdrawn: “${reason}” <span class="faint">${withdrawnBy}, ${moment(withdrawnAt, timeZone)}</span>
  </li>`;

const withdrawForm = (period: string, kept: readonly CountingFile[]): Html =>
  html`<form class="stacked" method="post" action="${invoicePath(period)}/withdraw">
    <p>A file that was given for the wrong month is withdrawn: it stays, and counts no more.</p>
    <label for="withdraw-file">File</label>
    <select id="withdraw-file" name="file" required>
      <option value="">Choose one</option>
      ${kept.map(({ name, sha256 }) => html`<option value="${sha256}">${name}</option>`)}
    </select>
    <label for="withdraw-reason">Reason</label>
    <input id="withdraw-reason" name="reason" required maxlength="500" autocomplete="off" />
    <button type="submit">Withdraw it</button>
  </form>`;
