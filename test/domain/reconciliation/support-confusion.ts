import { explain } from '../../../src/domain/reconciliation/explain.ts';
import type { Explanation, Part } from '../../../src/domain/reconciliation/explanation.ts';
import { type Finding, findingsOf } from '../../../src/domain/reconciliation/findings.ts';
import type { VendorInvoice } from '../../../src/domain/vendor-invoice.ts';
import { type Case, caseOf, documentOf } from './support-case.ts';
import { applied, type Fault, libraryFault } from './support-faults.ts';
import { chance, dayStart, type ModelMonth, monthAfter, pick } from './support-months.ts';
import { outsideFaults, textOf } from './support-outside.ts';
import { invoiceOf, type ModelInvoice } from './support-vendor.ts';

/** A row of the confusion matrix. Counts of months. */
export type Row = {
  readonly size: number;
  readonly faults: string;
  months: number;
  /** All causes named, each as one that fits. */
  whole: number;
  /** The right set is among those listed. */
  listed: number;
  /** Something wrong is said to fit. */
  wrong: number;
  unexplained: number;
  bounded: number;
  readonly examples: string[];
};

const emptyRow = (size: number, faults: string): Row => ({
  size,
  faults,
  months: 0,
  whole: 0,
  listed: 0,
  wrong: 0,
  unexplained: 0,
  bounded: 0,
  examples: [],
});

export type Plan = {
  readonly size: number;
  readonly faults: number;
  readonly months: number;
  readonly seed: number;
  /** Default: any fault of the library, its kinds alike likely. */
  readonly draw?: typeof libraryFault;
};

/** How many invoices are looked at over one month, since making it takes longest. */
const perMonth = 5;

function* cases({ size, months, seed }: Pick<Plan, 'size' | 'months' | 'seed'>): Generator<[Case, () => number]> {
  for (let index = 0; index * perMonth < months; index += 1) {
    const one = caseOf(seed + index * 7919, size);
    const random = chance(seed + index * 104_729 + 1);
    for (let again = 0; again < perMonth && index * perMonth + again < months; again += 1) yield [one, random];
  }
}

/**
 * Months with as many faults of the library, explained and judged; of single ones, cut-offs apart: by another zone, and by
 * another time, of which `created` moves but a handful of attempts in any month.
 */
export function confusion(plan: Plan): Row[] {
  const name = ['none', 'single', 'pair', 'triple'][plan.faults]!;
  const rest = emptyRow(plan.size, name);
  const cutOffs = new Map(['zone', 'time'].map((kind) => [kind, emptyRow(plan.size, `cut-off by ${kind}`)]));
  for (const [one, random] of cases(plan)) {
    const printsFree = random() < 0.5;
    const { truth, invoice } = faulty(one, random, plan);
    const document = documentOf(invoice, { period: one.model.period, printsFree });
    const row = plan.faults === 1 ? cutOffs.get(truth[0]!.kind) : undefined;
    judge(row ?? rest, one, truth, document);
  }
  return plan.faults === 1 ? [rest, ...cutOffs.values()] : [rest];
}

/** Draws faults until each of them makes a difference. */
function faulty(
  { model, lists, own }: Case,
  random: () => number,
  { faults: count, draw = libraryFault }: Plan,
): { truth: Fault[]; invoice: ModelInvoice } {
  for (;;) {
    const truth = Array.from({ length: count }, () => draw(random, model, lists));
    const invoice = invoiceOf(model, applied(own, truth));
    const without = truth.map((left) =>
      invoiceOf(
        model,
        applied(
          own,
          truth.filter((fault) => fault !== left),
        ),
      ),
    );
    const isDistinct = new Set(truth.map(({ kind, subject }) => `${kind} ${subject}`)).size === count;
    if (isDistinct && without.every((one) => textOf(one) !== textOf(invoice))) return { truth, invoice };
  }
}

function judge(row: Row, one: Case, truth: readonly Fault[], document: VendorInvoice): void {
  const explanation = explain(one.month, document);
  const { findings } = findingsOf(one.month.books, document, explanation);
  const isGone = ({ subject }: Fault) =>
    subject !== null &&
    subject.includes('/') &&
    document.lines.every(({ taskType }) => taskType !== subject.split('/')[0]);
  // What leaves out a kind of task altogether is a line that is missing, not a rule.
  const parts = truth.filter(
    (fault) => fault.cause !== 'usage_not_billed' && !(fault.cause === 'rule' && isGone(fault)),
  );
  const cutOffs = parts.filter(({ cause }) => cause === 'cutoff').slice(1);
  const named = parts.filter((part) => !cutOffs.includes(part));
  const isListed = (explanation.candidates.length === 0 ? [[]] : explanation.candidates).some((candidate) =>
    isSame(candidate, named),
  );
  const wrong = wrongly(findings, truth, document, one.model);
  const isWhole =
    isListed && explanation.steps.length === named.length && findings.every(({ certainty }) => certainty === 'fits');
  row.months += 1;
  if (isListed && explanation.outcome === 'reproduced') row.listed += 1;
  if (isWhole) row.whole += 1;
  if (wrong.length > 0) row.wrong += 1;
  if (explanation.outcome === 'unexplained') row.unexplained += 1;
  if (explanation.isBounded) row.bounded += 1;
  const isFault =
    wrong.length > 0 ||
    !isListed ||
    explanation.outcome === 'books_differ' ||
    (truth.length === 0 && findings.length > 0);
  if (isFault && row.examples.length < 8) row.examples.push(exampleOf(one, truth, explanation, wrong));
}

const isPart = ({ cause, subject }: Pick<Part, 'cause' | 'subject'>, fault: Fault): boolean =>
  fault.cause === cause && (fault.subject === null || subject.split(' or ').includes(fault.subject));

const isSame = (candidate: readonly Part[], truth: readonly Fault[]): boolean =>
  candidate.length === truth.length && truth.every((fault) => candidate.some((part) => isPart(part, fault)));

/** Findings that are said to fit and do not. What is plain to see is no cause that could be wrong. */
function wrongly(
  findings: readonly Finding[],
  truth: readonly Fault[],
  document: VendorInvoice,
  month: ModelMonth,
): Finding[] {
  return findings.filter((finding) => {
    if (finding.certainty !== 'fits') return false;
    const isMissing = document.lines.every(
      ({ taskType, level }) => taskType !== finding.taskType || level !== finding.level,
    );
    if (finding.cause === 'usage_not_billed' && isMissing && finding.effect === 'missing_line') return false;
    if (
      finding.cause === 'usage_not_billed' &&
      finding.effect === 'minimum' &&
      findings.some(({ effect }) => effect === 'missing_line')
    )
      return false;
    // Both amounts are right roundings of quantity times price.
    if (finding.effect === 'rounding' && finding.subject !== 'of every attempt') return false;
    return !truth.some((fault) => isPart(finding, fault)) && !isSaidOtherwise(finding, truth, month);
  });
}

/** What says the same in other words: another price without its list, all codes that are not invoiced one by one. */
function isSaidOtherwise(
  { cause, subject, taskType }: Finding,
  truth: readonly Fault[],
  { attempts, period, timeZone }: ModelMonth,
): boolean {
  if (cause === 'price') return truth.some((fault) => fault.cause === 'price');
  const turned = new Set(truth.filter((fault) => fault.cause === 'rule').map((fault) => fault.subject));
  const [start, end] = [dayStart(`${period}-01`, timeZone), dayStart(`${monthAfter(period)}-01`, timeZone)];
  const notInvoiced = attempts.filter(
    ({ type, own, at }) => type === taskType && own === false && at >= start && at < end,
  );
  return (
    cause === 'rule' &&
    subject.split(' or ').includes(`${taskType}/all`) &&
    notInvoiced.every(({ type, code }) => turned.has(`${type}/${code}`))
  );
}

function exampleOf(
  { model, lists }: Case,
  truth: readonly Fault[],
  explanation: Explanation,
  wrong: readonly Finding[],
): string {
  const text = ({ cause, subject }: { cause: string; subject: string | null }) => `${cause}(${subject ?? ''})`;
  const sets = explanation.candidates.slice(0, 3).map((parts) => parts.map(text).join('+').slice(0, 120));
  return `${model.period} ${model.timeZone} ${lists[0]!.prices.length} prices: ${truth.map((one) => `${one.kind}:${text(one)}`).join('+')} => ${explanation.outcome} ${explanation.candidates.length}: ${sets.join(' | ')}; wrong: ${wrong
    .map((one) => `${text(one)} ${one.effect} ${one.taskType} ${one.level} ${one.quantityDifference}`)
    .join(', ')
    .slice(0, 300)}`;
}

/** Months with one fault that the library does not have: whatever is said to fit is wrong. */
export function outside({ size, months, seed }: Omit<Plan, 'faults'>): Row[] {
  const rows = new Map(Object.keys(outsideFaults).map((name) => [name, emptyRow(size, name)]));
  for (const [one, random] of cases({ size, months, seed })) {
    const name = pick(random, Object.keys(outsideFaults));
    const invoice = outsideFaults[name]!(random, one.model, one.own);
    if (!invoice || textOf(invoice) === textOf(invoiceOf(one.model, one.own))) continue;
    const document = documentOf(invoice, { period: one.model.period, printsFree: random() < 0.5 });
    const row = rows.get(name)!;
    const explanation = explain(one.month, document);
    const wrong = wrongly(findingsOf(one.month.books, document, explanation).findings, [], document, one.model);
    row.months += 1;
    if (wrong.length > 0) row.wrong += 1;
    if (explanation.outcome === 'unexplained') row.unexplained += 1;
    if (explanation.isBounded) row.bounded += 1;
    if (wrong.length > 0) row.examples.push(exampleOf(one, [], explanation, wrong));
  }
  return [...rows.values()];
}

export function printed(rows: readonly Row[]): string {
  const share = (part: number, all: number): string => (all === 0 ? '' : `${((100 * part) / all).toFixed(1)}%`);
  const lines = rows.map((row) =>
    [
      String(row.size).padStart(7),
      row.faults.padEnd(26),
      String(row.months).padStart(6),
      share(row.whole, row.months).padStart(7),
      share(row.listed, row.months).padStart(7),
      String(row.wrong).padStart(6),
      String(row.unexplained).padStart(7),
      String(row.bounded).padStart(6),
    ].join(' '),
  );
  const examples = rows.flatMap((row) => row.examples.map((one) => `  ${row.size} ${row.faults}: ${one}`));
  return ['   size faults                     months   whole  listed  wrong unexpl. bound', ...lines, ...examples].join(
    '\n',
  );
}
