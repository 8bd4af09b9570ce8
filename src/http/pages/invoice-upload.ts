import type { Detected } from '../../invoices/read-invoice.ts';
import { type Html, html } from './html.ts';
import { facts } from './table.ts';

/** The form for an invoice. Nothing is kept by it: first comes a look. */
export const uploadForm = (period: string): Html =>
  html`<form class="stacked" method="post" action="/reports/${period}/invoice" enctype="multipart/form-data">
    <label for="invoice">Invoice or credit note</label>
    <p class="faint" id="invoice-about">CSV, XLSX or UBL. All files together have at most 50 MiB.</p>
    <input id="invoice" name="invoice" type="file" required aria-describedby="invoice-about" />
    <label for="usage">Usage statement</label>
    <p class="faint" id="usage-about">Where the vendor gives one: then causes are proven, attempt by attempt.</p>
    <input id="usage" name="usage" type="file" aria-describedby="usage-about" />
    <label for="layout">Layout</label>
    <p class="faint" id="layout-about">JSON that says how to read the files. The plain formats and UBL need none.</p>
    <input id="layout" name="layout" type="file" accept=".json,application/json" aria-describedby="layout-about" />
    <label for="basis">Against</label>
    <select id="basis" name="basis">
      <option value="restated">the month with all corrections so far</option>
      <option value="closed">the month as it was closed</option>
    </select>
    <div class="buttons">
      <button type="submit">Look at it first</button>
      <button type="submit" class="plain" formaction="/reports/${period}/invoice/layout">
        Suggest a layout for the invoice
      </button>
    </div>
  </form>`;

/** How a file was read, to be seen before its figures are believed. */
export function detectedFacts(
  name: string,
  detected: Omit<Detected, 'notes'> & Partial<Pick<Detected, 'notes'>>,
): Html {
  const { type, encoding, delimiter, decimal, date, sheet, headerLine, columns, layoutVersion, isPlain } = detected;
  const others = Object.entries(columns).filter(([field, column]) => field !== column);
  return html`${facts([
    ['File', name],
    ['Kind', `${type.toUpperCase()}${layoutVersion === null && isPlain ? ', plain format' : ''}`],
    ['Layout', layoutVersion],
    ['Encoding', encoding],
    ['Cells apart by', delimiter === null ? null : delimiter === '\t' ? 'tab' : html`<code>${delimiter}</code>`],
    ['Decimal mark', decimal === null ? null : html`<code>${decimal}</code>`],
    ['Days', date],
    ['Sheet', sheet],
    ['Header on line', headerLine],
    ['Columns', others.length === 0 ? null : others.map(([field, column]) => `${field} = ${column}`).join(', ')],
  ])}
  ${(detected.notes ?? []).map((note) => html`<p>${note}</p>`)}`;
}
