import { type Html, html, type Part } from './html.ts';

export type Column<Row> = {
  readonly header: Part;
  readonly cell: (row: Row) => Part;
  /** Numbers stand to the right, digit below digit. */
  readonly isNumber?: boolean;
  /** Names its row. */
  readonly isHeader?: boolean;
};

export type Table<Row> = {
  /** Unique on its page. */
  readonly id: string;
  readonly caption: Part;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** A cell per column, such as the total. */
  readonly footer?: readonly Part[] | undefined;
};

/** A table that scrolls by itself where it is wider than the screen, also by keyboard. */
export function table<Row>({ id, caption, columns, rows, footer }: Table<Row>): Html {
  const kind = ({ isNumber }: Column<Row>) => (isNumber ? 'number' : '');
  const heads = columns.map((column) => html`<th scope="col" class="${kind(column)}">${column.header}</th>`);
  const cells = (row: Row) =>
    columns.map((column) =>
      column.isHeader
        ? html`<th scope="row" class="${kind(column)}">${column.cell(row)}</th>`
        : html`<td class="${kind(column)}">${column.cell(row)}</td>`,
    );
  const total = footer?.map((part, index) =>
    index === 0
      ? html`<th scope="row">${part}</th>`
      : html`<td class="${columns[index]?.isNumber ? 'number' : ''}">${part}</td>`,
  );
  return html`<div class="table" role="region" tabindex="0" aria-labelledby="${id}">
    <table>
      <caption id="${id}">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${heads}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${cells(row)}
            </tr>`,
        )}
      </tbody>
      ${
        total
          ? html`<tfoot>
              <tr>
                ${total}
              </tr>
            </tfoot>`
          : null
      }
    </table>
  </div>`;
}

/** Names and what is said of them. */
export const facts = (rows: readonly (readonly [name: string, value: Part])[]): Html =>
  html`<dl class="facts">
    ${rows
      .filter(([, value]) => value !== null && value !== undefined)
      .map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
  </dl>`;
