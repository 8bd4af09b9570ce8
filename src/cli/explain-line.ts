import type { DecidingRule } from '../domain/classify.ts';
import { ruleSubject } from '../domain/wording.ts';
import type { ExplainedDecision, ExplainedLine, ExplainedPrice, PresentAttempt } from '../jobs/explain/explanation.ts';
import { instant } from './output.ts';

type Fact = [name: string, text: string | null];

const verdict = (invoiced: boolean | null): string =>
  invoiced === null ? 'unclassified' : invoiced ? 'invoiced' : 'not invoiced';

/** A decision, and the rule that made it. */
export const decisionLines = (decision: ExplainedDecision, name = 'decision'): Fact[] => [
  [name, `${verdict(decision.invoiced)}. ${decision.reasonMeaning} (${decision.reason})`],
  ['rule', ruleText(decision)],
];

function ruleText({ ruleTableVersion, rule, isReproduced }: ExplainedDecision): string {
  if (ruleTableVersion === null) return 'none in force';
  if (isReproduced === null) return `${ruleTableVersion}, which was not found`;
  return `${ruleTableVersion}: ${rule ? describe(rule) : 'none of its rules decided'}`;
}

function describe(rule: DecidingRule): string {
  const subject = ruleSubject(rule);
  const what = 'code' in subject ? (subject.code ?? 'success') : subject.words;
  return `${rule.taskType}, ${what} = ${verdict(rule.invoiced)}`;
}

/**
 * A line of a report: its place, its content, who froze it, and its decision if that differs from the attempt's present
 * one.
 *
 * @param previous the attempt's line before this one.
 */
export function lineLines(
  line: ExplainedLine,
  previous: ExplainedLine | undefined,
  present: PresentAttempt | null,
): string[] {
  const { row, fileLine, close, decision, correctsPeriod, quantity } = line;
  const place = row === null ? 'provisional' : `row ${row}, line ${fileLine ?? ''} of the file`;
  const corrects = correctsPeriod === null ? '' : `, corrects ${correctsPeriod}`;
  const isReversal = quantity === -1;
  const isThen = present !== null && present.attemptedAt.getTime() === line.attemptedAt.getTime();
  const at = isThen ? '' : `, at ${instant(line.attemptedAt)}`;
  const says = `${isReversal ? '-1' : '+1'}: ${line.code ?? 'success'}${at}, ${verdict(decision.invoiced)}, ${amountText(line.price)}`;
  const isAsNow = present !== null && isSameDecision(present.decision, decision);
  const isAsBefore = previous !== undefined && samePrice(previous.price, line.price);
  return [
    `  ${(isReversal ? 'taken back' : 'in report').padEnd(11)}${line.file}, ${place}${corrects}`,
    ...[
      says,
      ...(isReversal || isAsBefore ? [] : priceTexts(line.price)),
      ...(isReversal || isAsNow ? [] : decisionLines(decision).flatMap(([, text]) => text ?? [])),
      close === null
        ? `will be booked when ${line.period} is closed; may still change`
        : `closed ${instant(close.closedAt)} by ${close.closedBy}, manifest ${close.manifestSha256.slice(0, 12)}…`,
      ...(close?.forcedReason ? [`closed by force: ${close.forcedReason}`] : []),
    ].map((text) => `             ${text}`),
  ];
}

const isSameDecision = (a: ExplainedDecision, b: ExplainedDecision): boolean =>
  a.invoiced === b.invoiced &&
  a.reason === b.reason &&
  a.ruleTableVersion === b.ruleTableVersion &&
  JSON.stringify(a.rule) === JSON.stringify(b.rule);

const samePrice = (a: ExplainedPrice, b: ExplainedPrice): boolean =>
  JSON.stringify({ ...a, amount: null }) === JSON.stringify({ ...b, amount: null });

const amountText = ({ amount, currency }: ExplainedPrice): string =>
  amount === null ? 'no amount' : `${amount}${currency === null ? '' : ` ${currency}`}`;

function priceTexts(price: ExplainedPrice): string[] {
  const { listVersion, currency, unitPrice, model, tier, position, freeAllowance, effectiveFrom, effectiveTo } = price;
  if (listVersion === null) return ['no price list was in use'];
  if (model === null) return [`price list ${listVersion} has no price for it${levelText(price.level)}`];
  const unit = unitPrice === null ? 'no unit price' : `unit price ${unitPrice} ${currency ?? ''}`.trimEnd();
  const until = effectiveTo === null ? '' : ` to before ${effectiveTo}`;
  return [
    `${unit}, price list ${listVersion}, ${model}${tier === null || tier === 'flat' ? '' : `, tier ${tier}`}` +
      (position === null ? '' : `, unit ${position} of the month`),
    `its entry: ${price.entryLevel === null ? 'any level' : `level ${price.entryLevel}`}, from ${effectiveFrom ?? ''}${until}` +
      (freeAllowance === null ? '' : `, the first ${freeAllowance} of a month free`),
  ];
}

const levelText = (level: string | null): string => (level === null ? '' : ` (level ${level})`);
