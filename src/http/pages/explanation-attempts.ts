import type { DecidingRule } from '../../domain/classify.ts';
import { ruleSubject } from '../../domain/wording.ts';
import type {
  ExplainedAttempt,
  ExplainedDecision,
  ExplainedLine,
  ExplainedPrice,
  PresentAttempt,
} from '../../jobs/explain/explanation.ts';
import { amountText, count, moment, monthName, nothing } from './format.ts';
import { type Html, html } from './html.ts';
import { facts, table } from './table.ts';
import { outcome, taskName, verdict } from './words.ts';

/** How a month is named: with a link, for those who may open it. */
type MonthLink = (period: string) => Html;

/** An attempt: what happened, how it was decided, its month, and all its lines in reports. */
export function attemptSection(
  { taskType, ordinal, present, lines }: ExplainedAttempt,
  timeZone: string,
  linkedMonth: MonthLink,
): Html {
  const title = `attempt-${taskType.replace(/[^a-z_]/gi, '')}-${ordinal}`;
  return html`<section aria-labelledby="${title}">
    <h2 id="${title}">
      ${taskName(taskType)}, attempt ${ordinal} ${present ? verdict(present.decision.invoiced) : null}
    </h2>
    ${present ? presentFacts(present, timeZone, linkedMonth) : html`<p>It was booked once and does not exist any more.</p>`}
    ${lines.length > 0 ? linesTable(`${title}-lines`, lines, timeZone, linkedMonth) : null}
    ${[...new Map(lines.map(({ price }) => [JSON.stringify({ ...price, amount: null }), price])).values()].map(priceFacts)}
  </section>`;
}

const stateOfMonth = {
  open: 'open',
  closed: 'closed',
  passed_over: 'never closed, a later month is: its attempts are booked as corrections',
} as const;

function presentFacts(present: PresentAttempt, timeZone: string, linkedMonth: MonthLink): Html {
  const { attemptedAt, code, captureSource, linked, month, decision, decisionDue } = present;
  return facts([
    ['Outcome', outcome(code)],
    ['When', moment(attemptedAt, timeZone)],
    ['Source', captureSource],
    ['Linked', linked === null ? null : linked ? 'Yes' : 'No'],
    ['Known from', present.evidenceMeaning],
    ...decisionFacts(decision, 'Decision'),
    ...(decisionDue ? decisionFacts(decisionDue, 'With the next report') : []),
    [
      'Month',
      html`${linkedMonth(month.period)} (${stateOfMonth[month.state]}), by ${present.timeBasisMeaning}. From
      ${moment(month.start, timeZone)} to before ${moment(month.end, timeZone)}.`,
    ],
  ]);
}

function decisionFacts(decision: ExplainedDecision, name: string): [string, Html][] {
  return [
    [name, html`${verdict(decision.invoiced)} ${decision.reasonMeaning} <code>${decision.reason}</code>`],
    ['Rule', ruleText(decision)],
  ];
}

function ruleText({ ruleTableVersion, rule, ruleTable, isReproduced }: ExplainedDecision): Html {
  if (ruleTableVersion === null) return html`None was in force`;
  if (isReproduced === null) return html`Rule table ${ruleTableVersion}, which was not found`;
  const source = ruleTable ? html` <span class="faint">${ruleTable.source}</span>` : null;
  return html`${rule ? described(rule) : 'No rule decided'}, in rule table ${ruleTableVersion}.${source}`;
}

const described = (rule: DecidingRule): Html => {
  const subject = ruleSubject(rule);
  const what = 'code' in subject ? outcome(subject.code) : html`${subject.words}`;
  const answer = rule.invoiced ? 'invoiced' : 'not invoiced';
  return html`${taskName(rule.taskType)}, ${what}: ${answer}`;
};

function linesTable(id: string, lines: readonly ExplainedLine[], timeZone: string, linkedMonth: MonthLink): Html {
  return table<ExplainedLine>({
    id,
    caption: 'Its lines in reports',
    rows: lines,
    columns: [
      {
        header: 'Report',
        isHeader: true,
        cell: ({ period, correctsPeriod }) =>
          html`${linkedMonth(period)}${
            correctsPeriod === null ? null : html` <span class="tag quiet">corrects ${monthName(correctsPeriod)}</span>`
          }`,
      },
      { header: 'Quantity', isNumber: true, cell: ({ quantity }) => (quantity === 1 ? '+1' : '−1') },
      { header: 'When', cell: ({ attemptedAt }) => moment(attemptedAt, timeZone) },
      { header: 'Outcome', cell: ({ code }) => outcome(code) },
      { header: 'Decision', cell: ({ decision }) => verdict(decision.invoiced) },
      { header: 'Amount', isNumber: true, cell: ({ price }) => priced(price) },
      {
        header: 'Where',
        cell: ({ fileLine, file, close }) =>
          fileLine === null || !close
            ? 'Provisional: may still change'
            : html`Line ${count(fileLine)} of ${file}, closed ${moment(close.closedAt, timeZone)} by ${close.closedBy}`,
      },
    ],
  });
}

const priced = ({ amount, currency }: ExplainedPrice): Html =>
  amount === null ? nothing : html`<span class="money">${amountText(amount)}&nbsp;<abbr>${currency}</abbr></span>`;

function priceFacts(price: ExplainedPrice): Html {
  const { listVersion, currency, model, unitPrice, tier, position, freeAllowance } = price;
  if (listVersion === null) return html`<p class="faint">No price list was in use.</p>`;
  if (model === null)
    return html`<p class="faint">
      Price list ${listVersion} has no price for it${price.level === null ? '' : ` (level ${price.level})`}.
    </p>`;
  const until = price.effectiveTo === null ? '' : ` to before ${price.effectiveTo}`;
  return facts([
    ['Unit price', unitPrice === null ? nothing : html`${amountText(unitPrice)}&nbsp;${currency}, ${model}`],
    ['Tier', tier === null || tier === 'flat' ? null : tier],
    ['Unit of the month', position === null ? null : count(BigInt(position))],
    ['Free per month', freeAllowance === null ? null : count(BigInt(freeAllowance))],
    [
      'Price list',
      html`${listVersion}, ${price.entryLevel === null ? 'any level' : `level ${price.entryLevel}`}, from
      ${price.effectiveFrom}${until}`,
    ],
  ]);
}
