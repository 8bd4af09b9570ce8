import type { DocumentAccessRow } from '../../db/document-accesses.ts';
import { placeKey } from '../../db/files.ts';
import type { DocumentRow } from '../../db/stored-documents.ts';
import { type DocumentList, wasStored } from '../../jobs/custody/list-documents.ts';
import type { Principal } from '../context.ts';
import { kindNames, stateNames } from './document-words.ts';
import { moment, nothing, size } from './format.ts';
import { type Html, html } from './html.ts';
import { notice, page } from './layout.ts';
import { facts, table } from './table.ts';

export type DocumentsPage = {
  readonly list: DocumentList;
  readonly accesses: readonly DocumentAccessRow[];
  readonly timeZone: string;
  /** Whether this service has a secret key. */
  readonly canRead: boolean;
};

/** What there is of a transaction, with a form to read each, and who has read what. */
export function documentsPage(principal: Principal, { list, accesses, timeZone, canRead }: DocumentsPage): string {
  const { transactionId, isClosed, documents } = list;
  const mayAsk = canRead && !isClosed;
  return page({
    title: 'Documents',
    principal,
    trail: html`<p class="trail"><a href="/transactions/${transactionId}">Transaction ${transactionId}</a></p>`,
    badge: isClosed ? html`<span class="tag warn">Closed</span>` : undefined,
    body: html`<p class="lead">
        Of transaction <span class="id">${transactionId}</span>. Each reading is recorded for good.
      </p>
      ${isClosed ? notice('warn', html`<p>They are to be erased, or were. Nobody reads them.</p>`) : null}
      ${
        canRead
          ? null
          : notice(
              'warn',
              html`<p>
                This service has no secret key, so nobody reads documents here. Its operator sets
                <code>DOCUMENTS_SECRET_KEY_FILE</code>. <code>master_missing</code>
              </p>`,
            )
      }
      ${documents.length === 0 ? html`<p>The vendor offered none, or they were not fetched.</p>` : null}
      ${documents.map((one, index) => documentSection(transactionId, one, { index, timeZone, mayAsk }))}
      ${accessesSection(accesses, timeZone)}`,
  });
}

function documentSection(
  transactionId: string,
  document: DocumentRow,
  { index, timeZone, mayAsk }: { readonly index: number; readonly timeZone: string; readonly mayAsk: boolean },
): Html {
  const { kind, category, type, name, mediaType, state, recordedAt, bytes } = document;
  const title = `document-${index}`;
  return html`<section aria-labelledby="${title}">
    <h2 id="${title}">${kindNames[kind]} ${placeKey(document)}</h2>
    ${facts([
      ['State', stateNames[state]],
      ['Category', category],
      ['Type', type],
      ['Name', name],
      ['Media type', mediaType],
      ['Size in the store', bytes === null ? null : size(Number(bytes))],
      ['Recorded', moment(recordedAt, timeZone)],
    ])}
    ${mayAsk && wasStored(document) ? readForm(transactionId, document, index) : null}
  </section>`;
}

const readForm = (transactionId: string, { kind, origin, position }: DocumentRow, index: number): Html =>
  html`<form
    class="stacked"
    method="post"
    action="/transactions/${transactionId}/documents/${kind}/${origin}/${position}"
  >
    <label for="reason-${index}">Why it is read</label>
    <input id="reason-${index}" name="reason" required maxlength="500" autocomplete="off" />
    <button type="submit">Download</button>
  </form>`;

function accessesSection(accesses: readonly DocumentAccessRow[], timeZone: string): Html {
  if (accesses.length === 0) return html`<p>Nobody has read any of them.</p>`;
  return html`<section aria-labelledby="accesses-title">
    <h2 id="accesses-title">Who read them</h2>
    ${table<DocumentAccessRow>({
      id: 'accesses-table',
      caption: 'The last readings, and tries',
      rows: accesses,
      columns: [
        { header: 'When', isHeader: true, cell: ({ accessedAt }) => moment(accessedAt, timeZone) },
        { header: 'Who', cell: ({ accessedBy }) => accessedBy },
        { header: 'What', cell: (one) => `${kindNames[one.kind]} ${placeKey(one)}` },
        { header: 'Why', cell: ({ reason }) => reason },
        { header: 'By', cell: ({ via }) => (via === 'browser' ? 'The service' : 'A command') },
        { header: 'From', cell: ({ address }) => address ?? nothing },
      ],
    })}
  </section>`;
}
