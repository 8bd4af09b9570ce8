import { counted } from '../domain/wording.ts';
import type { ExplainedAttempt, Explanation } from '../jobs/explain/explanation.ts';
import { isOut } from '../jobs/explain/explanation.ts';
import { decisionLines, lineLines } from './explain-line.ts';
import { instant, printable, table } from './output.ts';

/** An explanation for a person. No line of it can control a terminal. */
export function explanationLines(explanation: Explanation): string[] {
  const sections = [
    transactionLines(explanation),
    workLines(explanation),
    taskLines(explanation),
    chargeLines(explanation),
    ...explanation.attempts.map(attemptLines),
    explanation.attempts.length === 0 ? ['No attempts are known, so no report has a line for it.'] : [],
    lateChangeLines(explanation),
    fileLines(explanation),
    ruleTableLines(explanation),
    problemLines(explanation),
  ];
  return sections
    .filter((section) => section.length > 0)
    .flatMap((section, index) => (index === 0 ? section : ['', ...section]))
    .map(printable);
}

/** Names on the left, values on the right. */
function facts(rows: readonly (readonly [name: string, text: string | null])[]): string[] {
  return rows.flatMap(([name, text]) => (text === null ? [] : [`  ${name.padEnd(11)}${text}`]));
}

const at = (date: Date | null): string => (date ? instant(date) : '-');

/** Each withdrawal and return, with who and why. */
const withdrawalFacts = ({ withdrawals }: Explanation): [string, string][] =>
  withdrawals.flatMap(({ withdrawnAt, withdrawnBy, reason, revivedAt, revivedBy }): [string, string][] => [
    ['withdrawn', `${instant(withdrawnAt)} by ${withdrawnBy}: ${reason}`],
    ...(revivedAt ? [['put back', `${instant(revivedAt)} by ${revivedBy ?? ''}`] satisfies [string, string]] : []),
  ]);

function transactionLines(explanation: Explanation): string[] {
  const { asked, transaction, requests } = explanation;
  const { id, resultId, state, settled, settlementMeaning, settledFrom, nextLookAt } = transaction;
  const found = {
    transaction: null,
    result: `${asked.id} is its result`,
    delivered_result: `${asked.id} was delivered as its result and is not`,
  }[asked.foundAs];
  const others = asked.otherTransactions.length;
  return [
    `Transaction ${id}`,
    ...facts([
      ['asked for', found],
      ['also', others > 0 ? `the ID is a result as well, of ${asked.otherTransactions.join(', ')}` : null],
      ['state', state ?? (isOut(explanation) ? 'withdrawn: the vendor never knew it' : 'not fetched')],
      ['settled', `${settled ? 'yes' : 'no'}: ${settlementMeaning}`],
      ['next fetch', settled && !nextLookAt ? null : nextLookAt ? instant(nextLookAt) : 'none: see the work below'],
      ['settled by', settledFrom ? `a fetch from ${instant(settledFrom)} on, whatever comes` : null],
      ['result', resultId ? `${resultId}, fetched ${at(transaction.resultFetchedAt)}` : 'none is known'],
      [
        'times',
        `created ${at(transaction.createdAt)}, expires ${at(transaction.expiresAt)}, completed ${at(transaction.completedAt)}`,
      ],
      ['in books', `registered ${at(transaction.registeredAt)}, last fetched ${at(transaction.fetchedAt)}`],
      ...requests.map((one): [string, string] => [
        'asked by',
        `${one.source}, ${instant(one.receivedAt)}${one.resultId ? `, with result ${one.resultId}` : ''}`,
      ]),
      ...withdrawalFacts(explanation),
    ]),
  ];
}

function workLines({ work }: Explanation): string[] {
  return table(
    ['work', 'state', 'due', 'failed attempts', 'last error'],
    work.map((one) => [
      one.kind,
      `${one.state}${one.isWanted ? '' : ', switched off'}`,
      one.state === 'due' ? instant(one.dueAt) : '',
      String(one.attemptsMade),
      one.lastErrorCode === null ? '' : `${one.lastErrorCode}, ${at(one.lastErrorAt)}`,
    ]),
    [3],
  );
}

function taskLines({ tasks }: Explanation): string[] {
  if (tasks.length === 0) return [];
  return table(
    ['task', 'state', 'level', 'attempts: vendor', 'ours', '', 'invoiced: vendor', 'ours', '', 'scan list'],
    tasks.map((task) => [
      task.taskType,
      task.state ?? '',
      task.level ?? '',
      String(task.vendorAttempts ?? '-'),
      String(task.ownAttempts),
      task.attemptsStatus,
      String(task.vendorAttemptsInvoiced ?? '-'),
      String(task.ownInvoiced),
      task.counterStatus,
      task.scanListMissing ? 'missing' : '',
    ]),
    [3, 4, 6, 7],
  );
}

const stateOfMonth = {
  open: 'open',
  closed: 'closed',
  passed_over: 'never closed, a later month is: its attempts are booked as corrections',
} as const;

function attemptLines({ taskType, ordinal, present, lines }: ExplainedAttempt): string[] {
  const header = `${taskType}, attempt ${ordinal}`;
  const reports = lines.flatMap((line, index) => lineLines(line, lines[index - 1], present));
  if (!present) return [`${header}: was booked once and does not exist any more`, ...reports];
  const { attemptedAt, code, captureSource, linked, month, decision, decisionDue } = present;
  const details = [
    captureSource === null ? '' : `, source ${captureSource}`,
    linked === null ? '' : `, ${linked ? '' : 'not '}linked`,
  ];
  return [
    header,
    ...facts([
      ['outcome', `${code === null ? 'success' : `code ${code}`}, ${instant(attemptedAt)}${details.join('')}`],
      ['evidence', `${present.evidenceMeaning} (${present.evidence})`],
      ...decisionLines(decision),
      ...(decisionDue ? decisionLines(decisionDue, 'due') : []),
      [
        'month',
        `${month.period} (${stateOfMonth[month.state]}), by ${present.timeBasisMeaning} (${present.timeBasis})`,
      ],
      ['', `from ${instant(month.start)} to before ${instant(month.end)}, months in ${month.timeZone}`],
    ]),
    ...reports,
  ];
}

function lateChangeLines({ lateChange }: Explanation): string[] {
  if (!lateChange) return [];
  const { changes, since, bookedWith, changesLines } = lateChange;
  return [
    `Changed after a close: ${counted(changes, 'change')} since ${instant(since)}, booked with ${bookedWith}. ${
      changesLines ? 'The corrections are the provisional lines above.' : 'No booked line changes by it.'
    }`,
  ];
}

function chargeLines({ charges }: Explanation): string[] {
  if (charges.length === 0) return [];
  return table(
    ['charged in', 'task type', 'attempt', 'at', 'code', 'level', 'quantity'],
    charges.map((charge) => [
      charge.period,
      charge.taskType,
      charge.attempt === null ? '' : String(charge.attempt),
      instant(charge.attemptedAt),
      charge.code ?? '',
      charge.level ?? '',
      String(charge.quantity),
    ]),
    [6],
  );
}

function fileLines({ files }: Explanation): string[] {
  if (files.length === 0) return [];
  return table(
    ['file', 'offered by', 'category', 'type', 'became', 'bytes', 'media type', 'error', 'recorded'],
    files.map((file) => [
      file.kind,
      `${file.origin}, ${file.position + 1}`,
      file.category ?? '',
      file.type ?? '',
      file.state,
      file.bytes ?? '',
      file.mediaType ?? '',
      file.errorCode ?? '',
      instant(file.recordedAt),
    ]),
    [5],
  );
}

/** The sources of the rules. Each table is listed once, whatever it decided. */
function ruleTableLines({ attempts }: Explanation): string[] {
  const decisions = attempts.flatMap(({ present, lines }) => [
    ...(present ? [present.decision, present.decisionDue] : []),
    ...lines.map(({ decision }) => decision),
  ]);
  const tables = decisions.flatMap((decision) => decision?.ruleTable ?? []);
  const distinct = new Map(tables.map((one) => [`${one.version} ${one.sha256}`, one]));
  if (distinct.size === 0) return [];
  return [
    'Rule tables:',
    ...[...distinct.values()].flatMap(({ version, effectiveFrom, effectiveTo, source, sha256 }) => [
      `  ${version}, in force from ${effectiveFrom}${effectiveTo === null ? '' : ` to before ${effectiveTo}`}, in the file ${sha256.slice(0, 12)}…`,
      `    ${source}`,
    ]),
  ];
}

function problemLines({ problems }: Explanation): string[] {
  return problems.length === 0
    ? []
    : ['What does not hold:', ...problems.map(({ code, message }) => `  ${message} (${code})`)];
}
