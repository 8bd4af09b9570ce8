import { formatAmount, type Micros } from '../domain/money.ts';
import type { Finding } from '../domain/reconciliation/findings.ts';
import { differingText } from '../domain/reconciliation/earlier.ts';
import { listedAlternatives } from '../domain/reconciliation/reasons.ts';
import { isRoundingLeft } from '../domain/reconciliation/standing.ts';
import { counted, form } from '../domain/wording.ts';
import type { Detected } from '../invoices/read-invoice.ts';
import type { Reconciliation } from '../jobs/reconcile/reconcile-month.ts';
import { withdrawnTexts } from '../jobs/reconcile/withdrawn.ts';
import { moreThanFiles } from '../reports/dispute/source.ts';
import { type CarriedFinding, carriedOver, openFindings, placeOf, stateOf } from '../reports/reconciliation-files.ts';
import { table } from './output.ts';
import { aboutOf, goneDecisionJson, goneDecisionLines, withdrawnJson } from './withdrawn-text.ts';

/** How a file was read, to be seen before its figures are believed. */
export function detectedText(
  name: string,
  detected: Omit<Detected, 'notes'> & { readonly notes?: readonly string[] },
): string[] {
  const { type, encoding, delimiter, decimal, date, sheet, headerLine, columns, layoutVersion, isPlain } = detected;
  const how = [
    type.toUpperCase(),
    layoutVersion === null ? (isPlain ? 'plain format' : null) : `layout ${layoutVersion}`,
    encoding,
    delimiter === null ? null : `delimiter ${delimiter === '\t' ? 'tab' : delimiter}`,
    decimal === null ? null : `decimal ${decimal}`,
    date === null ? null : `dates ${date}`,
    sheet === null ? null : `sheet ${sheet}`,
    headerLine === null ? null : `header on line ${headerLine}`,
  ].filter((one) => one !== null);
  const others = Object.entries(columns).filter(([field, column]) => field !== column);
  return [
    `${name}: ${how.join(', ')}`,
    ...(others.length === 0 ? [] : [`  ${others.map(([field, column]) => `${field} = ${column}`).join(', ')}`]),
    ...(detected.notes ?? []).map((note) => `  ${note}`),
  ];
}

/** What reconciling found, for a person: the difference, then its parts, the largest first. */
export function reconciliationText(
  { head, found, explanation, directory, files, replaced, withdrawn, gone }: Reconciliation,
  now: Date,
): string[] {
  const money = (amount: Micros | null) => (amount === null ? '' : formatAmount(amount, head.minorDigits));
  const { total } = found;
  const open = openFindings(found.findings, head);
  const numbers = head.invoices.map(({ number }) => number).join(', ');
  const status = head.isProvisional ? 'provisional: the month is still open' : head.basis;
  return [
    `Reconciliation of ${head.period} (${status}) with ${numbers}${head.usage ? ` and the usage statement ${head.usage.name}` : ''}`,
    ...(replaced === null ? [] : ['The invoice replaces the one with the same number that was kept before.']),
    ...withdrawnTexts(withdrawn, gone),
    '',
    ...table(
      ['', `amount ${head.currency}`],
      [
        ['books', money(total.ownAmount)],
        ['invoice', money(total.vendorAmount)],
        ['difference', money(total.amountDifference)],
      ],
      [1],
    ),
    '',
    ...(found.findings.length === 0
      ? [`Every line agrees: ${counted(found.matches.length, 'line')}.`]
      : findingLines(found.findings, head, money)),
    ...goneDecisionLines(gone),
    ...carriedLines(head.carried, now),
    ...told('Preferred, since it explained the month before, too', explanation.held),
    ...told("Left out, since the vendor's counters agree with the rules", explanation.ruledOut),
    ...(explanation.isBounded
      ? ['', 'There were more sets of causes than are looked through, so no cause is said to fit.']
      : []),
    ...(head.isProvisional
      ? ['', `Close ${head.period} before you sign the invoice: its figures may still change.`]
      : []),
    '',
    open.length === 0
      ? `Reconciled: nothing is open.`
      : `${counted(open.length, 'finding')} ${form(open.length, 'is', 'are')} open. Decide each: npx idscan-ledger reconcile ${head.period} --decide <finding>=accept|dispute|expect --reason <text>`,
    ...(files.length === 0
      ? ['Nothing was kept: this was a dry run.']
      : [`Files in ${directory}:`, ...files.map(({ name, bytes }) => `  ${name}  ${counted(bytes, 'byte')}`)]),
  ];
}

const told = (what: string, keys: readonly string[]): string[] =>
  keys.length === 0 ? [] : ['', `${what}: ${keys.join(', ')}`];

function findingLines(
  findings: readonly Finding[],
  head: Reconciliation['head'],
  money: (amount: Micros | null) => string,
): string[] {
  const size = ({ amountDifference: amount }: Finding) => (amount < 0n ? -amount : amount);
  const bySize = [...findings].sort((a, b) => (size(a) === size(b) ? 0 : size(a) < size(b) ? 1 : -1));
  const rows = bySize.map((one) => [
    one.id,
    [one.taskType, one.level].filter(Boolean).join(' ') || placeText(one, head),
    one.effect,
    one.cause,
    one.subject,
    one.certainty,
    String(one.quantityDifference),
    money(one.amountDifference),
    standingText(one, head, money),
  ]);
  return [
    ...table(['finding', 'line', 'effect', 'cause', 'about', 'certainty', 'quantity', 'amount', 'state'], rows, [6, 7]),
    ...alternativeLines(bySize),
    ...[...head.differing].flatMap(([id, one]) => ['', `${id}: ${differingText(one, head.currency)}`]),
  ];
}

/** The file has them all. */
const mostAlternatives = 4;

/** What else may be the cause of what is ambiguous. */
function alternativeLines(findings: readonly Finding[]): string[] {
  const lines = findings.flatMap(({ id, alternatives }) => {
    const all = listedAlternatives(alternatives);
    if (all.length === 0) return [];
    const more = all.length - mostAlternatives;
    const shown = all.slice(0, mostAlternatives).join(', or ');
    return [`  ${id}  ${shown}${more > 0 ? `, or ${more} more` : ''}`];
  });
  return lines.length === 0 ? [] : ['', 'Ambiguous, so it may be:', ...lines];
}

/** Where a line stands; of several invoices, on which one. */
function placeText(one: Finding, head: Reconciliation['head']): string {
  const { number, line } = placeOf(head, one);
  if (line === null) return '';
  return head.invoices.length > 1 && !line.includes(':') ? `${number}, line ${line}` : `line ${line}`;
}

function standingText(
  one: Finding,
  { standings, former, minorDigits }: Reconciliation['head'],
  money: (amount: Micros | null) => string,
): string {
  const { state = 'open', settled = 0n } = standings.get(one.id) ?? {};
  const before = former.get(one.id);
  const rounding = isRoundingLeft(one.amountDifference, settled, minorDigits) ? ': rounding, to be accepted' : '';
  const left = `${money(one.amountDifference - settled)} left${rounding}`;
  const said = state === 'partly_settled' ? `partly settled, ${left}` : state;
  return before ? `${said} (${before.decision} was about ${money(before.amount)})` : said;
}

const dayMs = 86_400_000;
const ageInDays = (since: Date, now: Date): number => Math.floor((now.getTime() - since.getTime()) / dayMs);

function carriedLines(carried: readonly CarriedFinding[], now: Date): string[] {
  if (carried.length === 0) return [];
  return [
    '',
    'Still open of earlier months:',
    ...table(
      ['month', 'finding', 'about', 'decision', 'amount', 'left', '', 'days'],
      carried.map((one) => {
        const { period, finding, decision, amount, amount_left: left, currency } = carriedOver(one);
        return [period, finding, aboutOf(one), decision, amount, left, currency, String(ageInDays(one.since, now))];
      }),
      [4, 5, 7],
    ),
  ];
}

/** Other months that a credit is shared with, whose files are older than it. */
export const behindLines = (months: readonly string[]): string[] =>
  months.map((month) => `${moreThanFiles(month)} Have them written again: npx idscan-ledger reconcile ${month}`);

/** The same for a program. */
export function reconciliationJson(
  { head, found, explanation, directory, files, replaced, withdrawn, gone }: Reconciliation,
  now: Date,
  behind: readonly string[],
): string {
  const money = (amount: Micros | null) => (amount === null ? null : formatAmount(amount, head.minorDigits));
  const { total, findings } = found;
  return JSON.stringify(
    {
      period: head.period,
      basis: head.basis,
      is_provisional: head.isProvisional,
      currency: head.currency,
      invoices: head.invoices.map(({ number, sha256, isCreditNote }) => ({
        number,
        sha256,
        is_credit_note: isCreditNote,
      })),
      usage: head.usage && { name: head.usage.name, sha256: head.usage.sha256 },
      replaced,
      withdrawn: withdrawn.map((one) => withdrawnJson(one, gone)),
      no_longer_found: gone.map((one) => goneDecisionJson(one)),
      totals: {
        own_amount: money(total.ownAmount),
        vendor_amount: money(total.vendorAmount),
        amount_difference: money(total.amountDifference),
      },
      open_findings: openFindings(findings, head).length,
      held: explanation.held,
      ruled_out: explanation.ruledOut,
      is_bounded: explanation.isBounded,
      findings: findings.map((one) => ({
        finding: one.id,
        invoice_number: placeOf(head, one).number,
        invoice_line: placeOf(head, one).line,
        task_type: one.taskType,
        level: one.level,
        effect: one.effect,
        cause: one.cause,
        subject: one.subject,
        certainty: one.certainty,
        alternatives: one.alternatives === '' ? [] : one.alternatives.split('|'),
        quantity_difference: Number(one.quantityDifference),
        amount_difference: money(one.amountDifference),
        likely_wrong: one.likelyWrong,
        decision: head.decisions.get(one.id)?.decision ?? null,
        evidence_rows: one.evidenceRows,
        state: stateOf(head, one.id),
        settled_amount: money(head.standings.get(one.id)?.settled ?? 0n),
        left_is_rounding: isRoundingLeft(
          one.amountDifference,
          head.standings.get(one.id)?.settled ?? 0n,
          head.minorDigits,
        ),
        named: namedJson(head, one.id),
      })),
      carried_over: head.carried.map((one) => ({ ...carriedOver(one), age_days: ageInDays(one.since, now) })),
      months_behind: behind,
      directory,
      files: files.map(({ name, sha256, bytes }) => ({ name, sha256, bytes })),
    },
    null,
    2,
  );
}

function namedJson({ differing, minorDigits }: Reconciliation['head'], credit: string) {
  const one = differing.get(credit);
  return one
    ? {
        findings: one.named.map(({ period, finding }) => ({ period, finding })),
        amount_open: formatAmount(one.open, minorDigits),
        differs_by: formatAmount(one.more, minorDigits),
      }
    : null;
}
