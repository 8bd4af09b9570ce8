import type { FileRow } from '../../db/explain.ts';
import type { Behind } from '../../db/replica.ts';
import {
  type Comparison,
  type ExplainedTask,
  type ExplainedWork,
  type Explanation,
  isOut,
} from '../../jobs/explain/explanation.ts';
import type { Principal } from '../context.ts';
import { kindNames, mayReadDocuments, stateNames } from './document-words.ts';
import { attemptSection } from './explanation-attempts.ts';
import { count, moment, monthName, nothing } from './format.ts';
import { type Html, html } from './html.ts';
import { monthLink, notice, page, reportsTrail } from './layout.ts';
import { transactionLink } from './month-findings.ts';
import { behindNotice } from './replica-notice.ts';
import { facts, table } from './table.ts';
import { taskName } from './words.ts';

/** Everything the books say about a transaction. */
export function explanationPage(principal: Principal, explanation: Explanation, behind: Behind | null = null): string {
  const { transaction, attempts, tasks, problems, basis } = explanation;
  const sections = [
    html`<section aria-labelledby="about-title">
      <h2 id="about-title">Transaction</h2>
      ${transactionFacts(explanation)}
    </section>`,
    ...attempts.map((attempt) => attemptSection(attempt, basis.timeZone, (period) => monthLink(principal, period))),
    attempts.length === 0 ? html`<p>No attempts are known, so no report has a line for it.</p>` : html``,
    tasks.length > 0 ? tasksSection(tasks) : html``,
    explanation.charges.length > 0 ? chargesSection(explanation.charges, basis.timeZone) : html``,
    workSection(explanation.work, basis.timeZone),
    filesSection(principal, explanation),
  ];
  return page({
    title: `Transaction ${transaction.id}`,
    principal,
    trail: reportsTrail(principal),
    badge: isOut(explanation)
      ? html`<span class="tag quiet">Withdrawn</span>`
      : transaction.settled
        ? html`<span class="tag good">Final</span>`
        : html`<span class="tag">May still change</span>`,
    body: html`${foundAs(explanation)} ${behindNotice(behind)}
    ${problems.map(({ message, code }) => notice('warn', html`<p>${message} <code>${code}</code></p>`))}
    ${lateChange(explanation)} ${sections}`,
  });
}

function foundAs({ asked, transaction }: Explanation): Html {
  const found = {
    transaction: null,
    result: html`${asked.id} is the result of this transaction.`,
    delivered_result: html`${asked.id} was delivered as the result of this transaction, which has another one now.`,
  }[asked.foundAs];
  const others = asked.otherTransactions.map((id) => html` ${transactionLink(id)}`);
  const also = others.length > 0 ? html` The same ID means other transactions as well:${others}.` : null;
  return html`<p class="lead">
    How ${transaction.id === asked.id ? 'it' : 'the transaction'} was counted, decided and priced. ${found}${also}
  </p>`;
}

function transactionFacts(explanation: Explanation): Html {
  const { transaction, requests, withdrawals, basis } = explanation;
  const at = (instant: Date | null) => (instant ? moment(instant, basis.timeZone) : nothing);
  const { settled, settledFrom, nextLookAt, resultId } = transaction;
  return facts([
    ['State', transaction.state ?? (isOut(explanation) ? 'Withdrawn: the vendor never knew it' : 'Not fetched yet')],
    ['Final', html`${settled ? 'Yes' : 'No'}: ${transaction.settlementMeaning}`],
    ['Next fetch', settled && !nextLookAt ? null : nextLookAt ? at(nextLookAt) : 'None by itself: see the work below'],
    ['Final at the latest', settledFrom ? html`with a fetch from ${at(settledFrom)} on` : null],
    [
      'Result',
      resultId
        ? html`<span class="id">${resultId}</span>, fetched ${at(transaction.resultFetchedAt)}`
        : 'None is known',
    ],
    ['Created', at(transaction.createdAt)],
    ['Expires', at(transaction.expiresAt)],
    ['Completed', at(transaction.completedAt)],
    ['In the books since', at(transaction.registeredAt)],
    ['Last fetched', at(transaction.fetchedAt)],
    ...requests.map((one): [string, Html] => [
      'Asked for',
      html`by ${one.source},
      ${at(one.receivedAt)}${one.resultId ? html`, with result <span class="id">${one.resultId}</span>` : null}`,
    ]),
    ...withdrawals.flatMap((one): [string, Html | null][] => [
      ['Withdrawn', html`${at(one.withdrawnAt)}, by ${one.withdrawnBy}: “${one.reason}”`],
      ['Put back', one.revivedAt ? html`${at(one.revivedAt)}, by ${one.revivedBy}` : null],
    ]),
  ]);
}

function lateChange({ lateChange: late, basis }: Explanation): Html | null {
  if (!late) return null;
  const what = late.changesLines
    ? 'The corrections are the provisional lines below.'
    : 'No line that was booked changes by it.';
  return notice(
    'note',
    html`<p>
      Something changed after the month was closed, since ${moment(late.since, basis.timeZone)}. It is booked with
      ${monthName(late.bookedWith)}. ${what}
    </p>`,
  );
}

const comparison: Readonly<Record<Comparison, Html>> = {
  match: html`<span class="tag good">Same</span>`,
  mismatch: html`<span class="tag warn">Differs</span>`,
  absent: html`<span class="tag quiet">Not counted</span>`,
};

function tasksSection(tasks: readonly ExplainedTask[]): Html {
  const number = (value: number | null) => (value === null ? nothing : count(value));
  return html`<section aria-labelledby="tasks-title">
    <h2 id="tasks-title">The vendor’s own counters</h2>
    ${table<ExplainedTask>({
      id: 'tasks-table',
      caption: 'Our figures beside the vendor’s',
      rows: tasks,
      columns: [
        { header: 'Task', isHeader: true, cell: ({ taskType }) => taskName(taskType) },
        { header: 'State', cell: ({ state }) => state ?? nothing },
        { header: 'Level', cell: ({ level }) => level ?? nothing },
        { header: 'Attempts: ours', isNumber: true, cell: ({ ownAttempts }) => count(ownAttempts) },
        { header: 'Vendor', isNumber: true, cell: ({ vendorAttempts }) => number(vendorAttempts) },
        { header: 'Compared', cell: ({ attemptsStatus }) => comparison[attemptsStatus] },
        { header: 'Invoiced: ours', isNumber: true, cell: ({ ownInvoiced }) => count(ownInvoiced) },
        { header: 'Vendor', isNumber: true, cell: ({ vendorAttemptsInvoiced }) => number(vendorAttemptsInvoiced) },
        { header: 'Compared', cell: ({ counterStatus }) => comparison[counterStatus] },
      ],
    })}
  </section>`;
}

function chargesSection(charges: Explanation['charges'], timeZone: string): Html {
  return html`<section aria-labelledby="charges-title">
    <h2 id="charges-title">What the vendor charges</h2>
    ${table<Explanation['charges'][number]>({
      id: 'charges-table',
      caption: 'Rows of the usage statements that the vendor’s invoices were reconciled with',
      rows: charges,
      columns: [
        { header: 'Month', isHeader: true, cell: ({ period }) => monthName(period) },
        { header: 'Task', cell: ({ taskType }) => taskName(taskType) },
        { header: 'Attempt', isNumber: true, cell: ({ attempt }) => (attempt === null ? nothing : count(attempt)) },
        { header: 'At', cell: ({ attemptedAt }) => moment(attemptedAt, timeZone) },
        { header: 'Code', cell: ({ code }) => code ?? nothing },
        { header: 'Level', cell: ({ level }) => level ?? nothing },
        { header: 'Quantity', isNumber: true, cell: ({ quantity }) => count(quantity) },
      ],
    })}
  </section>`;
}

const workNames: Readonly<Record<string, string>> = {
  result: 'Result',
  documents: 'Documents',
  audit_report: 'Audit report',
};

function workSection(work: readonly ExplainedWork[], timeZone: string): Html {
  return html`<section aria-labelledby="work-title">
    <h2 id="work-title">Work</h2>
    ${table<ExplainedWork>({
      id: 'work-table',
      caption: 'What is fetched from the vendor',
      rows: work,
      columns: [
        { header: 'What', isHeader: true, cell: ({ kind }) => workNames[kind] ?? kind },
        { header: 'State', cell: ({ state, isWanted }) => `${state}${isWanted ? '' : ', switched off'}` },
        { header: 'Due', cell: ({ state, dueAt }) => (state === 'due' ? moment(dueAt, timeZone) : nothing) },
        { header: 'Failed tries', isNumber: true, cell: ({ attemptsMade }) => count(attemptsMade) },
        {
          header: 'Last error',
          cell: ({ lastErrorCode, lastErrorAt }) =>
            lastErrorCode === null
              ? nothing
              : html`<code>${lastErrorCode}</code> ${lastErrorAt ? moment(lastErrorAt, timeZone) : null}`,
        },
      ],
    })}
  </section>`;
}

/** How many documents there are, by kind and state alone: what they are is for who may read them. */
function filesSection(principal: Principal, { transaction, files }: Explanation): Html {
  const counts = new Map<string, { kind: FileRow['kind']; state: FileRow['state']; number: number }>();
  for (const { kind, state } of files) {
    const key = `${kind} ${state}`;
    counts.set(key, { kind, state, number: (counts.get(key)?.number ?? 0) + 1 });
  }
  if (counts.size === 0) return html``;
  return html`<section aria-labelledby="files-title">
    <h2 id="files-title">Documents</h2>
    ${table<{ kind: FileRow['kind']; state: FileRow['state']; number: number }>({
      id: 'files-table',
      caption: 'What the vendor offered, and what became of it',
      rows: [...counts.values()],
      columns: [
        { header: 'What', isHeader: true, cell: ({ kind }) => kindNames[kind] },
        { header: 'State', cell: ({ state }) => stateNames[state] },
        { header: 'Number', isNumber: true, cell: ({ number }) => count(number) },
      ],
    })}
    ${mayReadDocuments(principal) ? html`<p><a href="/transactions/${transaction.id}/documents">Read documents</a></p>` : null}
  </section>`;
}
