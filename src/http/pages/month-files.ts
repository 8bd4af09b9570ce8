import type { ReportRun } from '../../db/report-runs.ts';
import type { MonthFigures } from '../../jobs/month/month-figures.ts';
import { copyNames, kindOf, type Published, type PublishedFile } from '../../reports/published.ts';
import { formatAmount } from '../../domain/money.ts';
import { count, moment, size } from './format.ts';
import { type Html, html } from './html.ts';
import { notice } from './layout.ts';
import type { Section } from './month-parts.ts';
import { table } from './table.ts';
import { dialectWords, fileWords } from './words.ts';

type Files = {
  readonly figures: MonthFigures;
  readonly run: ReportRun | null;
  readonly published: Published | undefined;
  /** Whether this user may have the files written again. */
  readonly mayWrite: boolean;
};

const order = ['summary', 'detail', 'references', 'codes', 'discrepancies'] as const;

/** The files of a month, each as it is and for spreadsheets, and the form to have them written again. */
export function filesSection(files: Files): Section {
  const { figures, published } = files;
  return {
    id: 'files',
    title: 'Files',
    body: html`${stateOf(files)}
    ${published ? html`${fileTable(figures.period, published)}${checking(figures.period, published)}` : null}
    ${rewriting(files)}`,
  };
}

function stateOf({ figures, run, published }: Files): Html {
  const { timeZone, lines, prices, close } = figures;
  const { totals } = lines;
  const written = run?.finishedAt ? html`Written on ${moment(run.finishedAt, timeZone)}.` : null;
  if (!published)
    return run?.finishedAt
      ? notice('warn', html`<p>${written} The files are not in the folder of this service.</p>`)
      : html`<p>No files were written yet.</p>`;
  const amount = totals.amount === null || !prices ? null : formatAmount(totals.amount, prices.minorDigits);
  const isBehind = !close && (BigInt(published.attempts) !== totals.attempts || published.amount !== amount);
  if (!isBehind) return html`<p>${written} They have the same figures as this page.</p>`;
  return notice(
    'note',
    html`<p>${written} Since then figures changed: this page is newer than the files. Have them written anew.</p>`,
  );
}

function fileTable(period: string, { files }: Published): Html {
  const rows = order.flatMap((kind) => files.filter(({ name }) => kindOf(name) === kind));
  const words = ({ name }: PublishedFile) => fileWords[kindOf(name) ?? 'summary'];
  return table<PublishedFile>({
    id: 'files-table',
    caption: 'Download',
    rows,
    columns: [
      {
        header: 'File',
        isHeader: true,
        cell: (file) => html`${words(file)[0]}<br /><span class="faint">${words(file)[1]}</span>`,
      },
      { header: 'CSV', cell: (file) => download(period, file.name, 'CSV', words(file)[0]) },
      {
        header: 'For a spreadsheet',
        cell: (file) =>
          html`<ul class="inline">
            ${copyNames(file.name).map(
              ({ dialect, name }) => html`<li>${download(period, name, dialectWords[dialect], words(file)[0])}</li>`,
            )}
          </ul>`,
      },
      { header: 'Rows', isNumber: true, cell: ({ rows: of }) => (of === null ? null : count(of)) },
      { header: 'Size', isNumber: true, cell: ({ bytes }) => size(bytes) },
    ],
  });
}

const download = (period: string, name: string, label: string, file: string): Html =>
  html`<a href="/reports/${period}/files/${name}" download><span class="unseen">${file} as </span>${label}</a>`;

const checking = (period: string, { manifest, files }: Published): Html =>
  html`<details>
    <summary>To check what was downloaded</summary>
    <p>
      <a href="/reports/${period}/files/${manifest.name}" download>${manifest.name}</a> has the totals and the SHA-256
      of every file. Programs read the plain CSV; copies for a spreadsheet keep codes and IDs as text.
    </p>
    <dl class="hashes">
      ${[...files, manifest].map(
        ({ name, sha256 }) =>
          html`<div>
            <dt>${name}</dt>
            <dd><code>${sha256}</code></dd>
          </div>`,
      )}
    </dl>
  </details>`;

function rewriting({ figures, run, mayWrite }: Files): Html {
  const { period, close, timeZone } = figures;
  const state = run?.dueAt
    ? notice(
        'note',
        html`<p role="status">
          A report was asked for and is being written. <a href="/reports/${period}#files">Look again</a> in a moment.
        </p>`,
      )
    : run?.lastErrorCode && run.lastFailedAt
      ? notice(
          'warn',
          html`<p role="status">
            The last try, on ${moment(run.lastFailedAt, timeZone)}, failed: <code>${run.lastErrorCode}</code>
          </p>`,
        )
      : null;
  if (!mayWrite) return html`${state}`;
  return html`${state}
    <form method="post" action="/reports/${period}/write">
      <button type="submit">Write the files anew</button>
      <span class="faint"
        >${close ? 'The month is closed: they will be the same, byte for byte.' : 'With what is known now.'}</span
      >
    </form>`;
}
