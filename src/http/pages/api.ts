import { rolesText } from '../api/document.ts';
import type { Answer, JsonSchema, Operation, Parameter } from '../api/operation.ts';
import { operations } from '../api/operations.ts';
import { problemAnswers } from '../api/problems.ts';
import type { Principal } from '../context.ts';
import { type Html, html, type Part } from './html.ts';
import { page } from './layout.ts';
import { facts, table } from './table.ts';

/** The API for programs: each operation with what it reads and answers. */
export function apiPage(principal: Principal): string {
  return page({
    title: 'For programs',
    principal,
    body: html`<p class="lead">
        What programs can ask of this service. For machines: <a href="/openapi.json">openapi.json</a>, in OpenAPI 3.1.
      </p>
      <nav aria-label="Operations">
        <ul class="contents">
          ${operations.map(({ id, summary }) => html`<li><a href="#${id}">${summary}</a></li>`)}
        </ul>
      </nav>
      ${operations.map(section)}`,
  });
}

const means: Readonly<Record<Operation['means'], string>> = {
  none: 'Nothing',
  'token in the body': 'The token of the transaction, in the body',
  secret: 'The shared secret, in a header',
  bearer: 'A bearer token',
  'bearer or session': 'A bearer token, or a browser that has signed in',
};

function section(operation: Operation): Html {
  const { id, method, path, summary, description, body, parameters } = operation;
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${summary}</h2>
    <p><code>${method.toUpperCase()} ${path}</code></p>
    ${description === undefined ? null : html`<p>${marked(description)}</p>`}
    ${facts([
      ['Needs', means[operation.means]],
      ['Role', operation.roles.length === 0 ? null : marked(rolesText(operation))],
      ['Body', body ? `JSON, at most ${body.maxBytes / 1_024} KiB` : null],
    ])}
    ${parameters ? parameterTable(id, parameters) : null}
    ${body ? html`${examples('What is sent', body.examples ?? {})}${schema('Its schema', body.schema)}` : null}
    ${answerTable(operation)} ${examplesOfAnswers(operation)}
  </section>`;
}

const parameterTable = (id: string, parameters: readonly Parameter[]): Html =>
  table<Parameter>({
    id: `${id}-parameters`,
    caption: 'Parameters',
    rows: parameters,
    columns: [
      { header: 'Name', isHeader: true, cell: ({ name }) => html`<code>${name}</code>` },
      { header: 'In', cell: (one) => one.in },
      { header: 'Meaning', cell: ({ description }) => marked(description) },
      { header: 'Form', cell: ({ schema: form }) => formOf(form) },
    ],
  });

const formOf = ({ pattern, enum: words }: JsonSchema): Part =>
  Array.isArray(words)
    ? html`<code>${words.join(', ')}</code>`
    : typeof pattern === 'string'
      ? html`<code class="wrap">${pattern}</code>`
      : null;

type Row = { readonly status: string; readonly description: string; readonly codes: readonly string[] };

function answerTable(operation: Operation): Html {
  const good = Object.entries(operation.answers).map(([status, { description }]): Row => ({
    status,
    description,
    codes: [],
  }));
  const problems = Object.entries(problemAnswers(operation)).map(([status, { description, codes }]): Row => ({
    status,
    description,
    codes,
  }));
  return table<Row>({
    id: `${operation.id}-answers`,
    caption: 'Answers',
    rows: [...good, ...problems].sort((a, b) => (a.status < b.status ? -1 : 1)),
    columns: [
      { header: 'Status', isHeader: true, cell: ({ status }) => status },
      { header: 'Meaning', cell: ({ description }) => marked(description) },
      { header: 'Codes', cell: ({ codes }) => html`${codes.map((code) => html`<code>${code}</code> `)}` },
    ],
  });
}

const examplesOfAnswers = ({ answers }: Operation): Html =>
  html`${Object.entries(answers).map(([status, { content = {} }]: [string, Answer]) => {
    const json = content['application/json'];
    return json?.examples ? examples(`An answer ${status}`, json.examples) : html``;
  })}`;

const examples = (title: string, values: Readonly<Record<string, unknown>>): Html =>
  html`${Object.entries(values).map(
    ([name, value]) =>
      html`<details>
        <summary>${title}: ${name}</summary>
        ${code(value)}
      </details>`,
  )}`;

const schema = (title: string, value: JsonSchema): Html =>
  html`<details>
    <summary>${title}</summary>
    ${code(value)}
  </details>`;

const code = (value: unknown): Html => html`<pre tabindex="0"><code>${JSON.stringify(value, null, 2)}</code></pre>`;

/** Text with words in backticks. */
const marked = (text: string): Html =>
  html`${text.split('`').map((part, place) => (place % 2 === 1 ? html`<code>${part}</code>` : html`${part}`))}`;
