import { type Html, html, type Part } from './html.ts';

type Column<Row> = {
  /** Also shown before each cell if the screen is too narrow for columns. */
  readonly header: string;
  readonly cell: (row: Row) => Part;
  /** Numbers are aligned to the right. */
  readonly isNumber?: boolean;
  /** Whether the column's cells name their rows. */
  readonly isHeader?: boolean;
  /** How the table is sorted by this column. */
  readonly sort?: Sort;
};

/** A link that sorts, and how the rows are sorted now; `none` = by another column. */
export type Sort = { readonly path: string; readonly now: 'ascending' | 'descending' | 'none' };

export type Table<Row> = {
  /** Unique on its page. */
  readonly id: string;
  /** Words alone: a link is none of the parts that a table may have. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** One cell per column, such as a total. */
  readonly footer?: readonly Part[] | undefined;
};

/**
 * A table that scrolls by itself if it is wider than the screen, also by keyboard. On a phone each row becomes a card,
 * so that no value is out of sight. ARIA roles keep it a table for screen readers.
 */
export function table<Row>({ id, caption, columns, rows, footer }: Table<Row>): Html {
  const kind = ({ isNumber }: Column<Row>) => (isNumber ? 'number' : '');
  const heads = columns.map(
    (column) =>
      html`<th role="columnheader" scope="col" class="${kind(column)}" ${sorted(column)}>${headOf(column)}</th>`,
  );
  const cell = (column: Column<Row> | undefined, part: Part, isHeader: boolean | undefined) =>
    isHeader
      ? html`<th role="rowheader" scope="row">${part}</th>`
      : html`<td role="cell" class="${column?.isNumber ? 'number' : ''}" data-label="${column?.header}">
          <div>${part}</div>
        </td>`;
  const cells = (row: Row) => columns.map((column) => cell(column, column.cell(row), column.isHeader));
  const total = footer?.map((part, index) => cell(columns[index], part, index === 0));
  return html`<div class="table" role="region" tabindex="0" aria-labelledby="${id}">
    <table role="table">
      <caption id="${id}">
        ${caption}
      </caption>
      <thead role="rowgroup">
        <tr role="row">
          ${heads}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${rows.map(
          (row) =>
            html`<tr role="row">
              ${cells(row)}
            </tr>`,
        )}
      </tbody>
      ${
        total
          ? html`<tfoot role="rowgroup">
              <tr role="row">
                ${total}
              </tr>
            </tfoot>`
          : null
      }
    </table>
  </div>`;
}

const sorted = <Row>({ sort }: Column<Row>): Html | null =>
  sort && sort.now !== 'none' ? html`aria-sort="${sort.now}"` : null;

function headOf<Row>({ header, sort }: Column<Row>): Part {
  if (!sort) return header;
  const arrow = { ascending: ' ↑', descending: ' ↓', none: null }[sort.now];
  return html`<a href="${sort.path}"
    >${header}${arrow === null ? null : html`<span aria-hidden="true">${arrow}</span>`}</a
  >`;
}

/** Names and their values. */
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
