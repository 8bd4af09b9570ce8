import { explainByUsage } from '../../../src/domain/reconciliation/explain-usage.ts';
import { type Finding, findingsOf } from '../../../src/domain/reconciliation/findings.ts';
import { type Case, caseOf, cubeOf, documentOf } from './support-case.ts';
import { applied, type Fault, faultOf } from './support-faults.ts';
import {
  chance,
  dayStart,
  type ModelAttempt,
  type ModelMonth,
  monthAfter,
  monthBefore,
  pick,
} from './support-months.ts';
import { textOf } from './support-outside.ts';
import { billedIn, invoiceOf, type ModelInvoice } from './support-vendor.ts';

/** Faults about single attempts, which nothing but a usage statement tells. */
const singleKinds = ['usage_unknown', 'usage_not_billed', 'billed_twice', 'level'] as const;
const libraryKinds = [
  'zone',
  'time',
  'code',
  'all scans',
  'linked',
  'failed',
  'abandoned',
  'counter',
  'unclassified',
  'late',
  'list',
  'tiers',
  'model',
  'allowance',
  'minimum',
  'rounding',
  'left out',
] as const;
export const usageKinds: readonly string[] = [...singleKinds, ...libraryKinds];

type Told = { readonly cause: string; readonly subject: string | null };

/** What a vendor with some faults charges: its invoice, and per attempt the units of its usage statement. */
type Charging = {
  readonly invoice: ModelInvoice;
  readonly units: ReadonlyMap<ModelAttempt, number>;
  readonly unknown: readonly ModelAttempt[];
  /** The level that attempts are charged at, where it is another one. */
  readonly levels: ReadonlyMap<ModelAttempt, string>;
  /** What it charges in the months beside this one. */
  readonly beside: ReadonlyMap<ModelAttempt, string>;
};

export function chargingOf(
  { model, own }: Case,
  random: () => number,
  kinds: readonly string[],
  faults: readonly Fault[],
): Charging {
  const base = applied(own, faults);
  const billed = billedIn(model, base);
  const some = (): Set<ModelAttempt> => {
    const count = Math.min(billed.length, 3 + Math.floor(random() * 12));
    return new Set(Array.from({ length: count }, () => pick(random, billed)));
  };
  const dropped = kinds.includes('usage_not_billed') ? some() : new Set();
  const doubled = kinds.includes('billed_twice') ? [...some()].filter((one) => !dropped.has(one)) : [];
  // Nobody knows them, so that they are none of the objects of the model.
  const unknown = kinds.includes('usage_unknown') ? [...some()].map((one) => ({ ...one })) : [];
  const scans = [...(kinds.includes('level') ? some() : [])].filter(({ type }) => type === 'document_scan');
  const levels = new Map(
    scans
      .filter(({ level }) => level === scans[0]?.level)
      .map((one) => [one, one.level === 'advanced' ? 'basic' : 'advanced']),
  );
  const isUnknown = new Set(unknown);
  const billing = {
    ...base,
    counts: (one: ModelAttempt) => isUnknown.has(one) || base.counts(one),
    bills: (one: ModelAttempt) => isUnknown.has(one) || (!dropped.has(one) && base.bills(one)),
  };
  const attempts = [...model.attempts, ...doubled, ...unknown];
  const units = new Map<ModelAttempt, number>();
  for (const one of billedIn({ ...model, attempts }, billing))
    if (!isUnknown.has(one)) units.set(one, (units.get(one) ?? 0) + 1);
  const asCharged = billedIn({ ...model, attempts }, billing).map((one) => {
    const level = isUnknown.has(one) ? undefined : levels.get(one);
    return level === undefined ? one : { ...one, level };
  });
  const everything = { ...billing, counts: () => true, bills: () => true };
  const beside = new Map(
    [monthBefore(model.period), monthAfter(model.period)].flatMap((period) =>
      billedIn({ ...model, period }, billing).map((attempt) => [attempt, period] as const),
    ),
  );
  return { invoice: invoiceOf({ ...model, attempts: asCharged }, everything), units, unknown, levels, beside };
}

/** Which attempts are charged, and what it costs: two vendors that agree in it are the same. */
const chargedText = ({ invoice, units, unknown, levels }: Charging, { model }: Case): string =>
  `${textOf(invoice)} ${unknown.length} ${levels.size} ${model.attempts.map((one) => units.get(one) ?? 0).join('')}`;

/**
 * Counts of months: `right` = every cause is named and no other, `later` = it is once the statements of the months beside
 * it are kept, until when it is listed; `listed` = else every cause is named, or among
 * those that a finding may have, `ambiguous` = not all are named as certain, `wrong` = something else is said to be certain.
 */
export type UsageRow = {
  kinds: string;
  months: number;
  right: number;
  later: number;
  listed: number;
  ambiguous: number;
  wrong: number;
  examples: string[];
};

/** Months with faults of some kinds, each of which makes a difference, explained with the usage statement and judged. */
export function judged(
  kinds: readonly string[],
  { months, size, seed }: { months: number; size: number; seed: number },
): UsageRow {
  const row: UsageRow = {
    kinds: kinds.join('+'),
    months: 0,
    right: 0,
    later: 0,
    listed: 0,
    ambiguous: 0,
    wrong: 0,
    examples: [],
  };
  for (let index = 0; row.months < months && index < months * 5; index += 1) {
    const one = caseOf(seed + index * 7919, size);
    const random = chance(seed + index * 104_729 + 1);
    const library = kinds.filter((kind) => !(singleKinds as readonly string[]).includes(kind));
    const faults = library.map((kind) => faultOf(kind, random, one.model, one.lists));
    const drawn = faults.filter((fault) => fault !== undefined);
    if (drawn.length < faults.length) continue;
    const charging = chargingOf(one, chance(seed + index), kinds, drawn);
    const isNeeded = kinds.every((kind) => {
      const rest = kinds.filter((other) => other !== kind);
      const without = chargingOf(
        one,
        chance(seed + index),
        rest,
        drawn.filter((fault) => fault.kind !== kind),
      );
      return chargedText(without, one) !== chargedText(charging, one);
    });
    if (isNeeded) judge(row, one, charging, [...singles(kinds, charging), ...drawn]);
  }
  return row;
}

const singles = (kinds: readonly string[], { levels }: Charging): Told[] =>
  singleKinds
    .filter((kind) => kinds.includes(kind))
    .map((cause) => {
      if (cause !== 'level') return { cause, subject: null };
      const [moved] = levels;
      return { cause: 'rule', subject: `level ${moved?.[0].level ?? 'none'}→${moved?.[1]}` };
    });

/** What the vendor sends: its invoice, and the month with its usage statement, or with those of the months beside it, too. */
export function sentBy(one: Case, { invoice, units, unknown, levels, beside }: Charging, hasBeside = false) {
  const { model } = one;
  const document = documentOf(invoice, { period: model.period, printsFree: true });
  const { marks } = one.month.cube;
  const unmatched = unknown.map(({ type: taskType, level, at }) => ({
    kind: 'unknown' as const,
    taskType,
    level,
    slot: marks.filter((mark) => mark.getTime() <= at).length,
    rows: 1,
    units: 1,
  }));
  const charges = {
    unitsOf: (attempt: ModelAttempt) => units.get(attempt) ?? 0,
    otherLevelOf: (attempt: ModelAttempt) => (units.has(attempt) ? (levels.get(attempt) ?? null) : null),
    chargedInOf: (attempt: ModelAttempt) => {
      const period = hasBeside && !units.has(attempt) ? beside.get(attempt) : undefined;
      return period === undefined ? null : { period, isNear: isNear(model, attempt, period) };
    },
  };
  const cube = {
    ...cubeOf(model, one.month.contract, charges),
    unmatched,
    statements: { before: hasBeside, after: hasBeside },
  };
  return { document, month: { ...one.month, cube } };
}

/** Whether a month has all times of an attempt that its own month does not have. */
function isNear(
  { period: own, timeZone }: ModelMonth,
  { at, created, completed }: ModelAttempt,
  period: string,
): boolean {
  const has = (month: string, time: number): boolean =>
    time >= dayStart(`${month}-01`, timeZone) && time < dayStart(`${monthAfter(month)}-01`, timeZone);
  return [at, created, completed].every((time) => has(own, time) || has(period, time));
}

function judge(row: UsageRow, one: Case, charging: Charging, truth: readonly Told[]): void {
  const { isRight, isListed, certain, findings, wrong, isWhole, outcome } = judgement(one, charging, truth);
  row.months += 1;
  if (wrong.length > 0) row.wrong += 1;
  else if (isRight) row.right += 1;
  else if (isListed && judgement(one, charging, truth, true).isRight) row.later += 1;
  else if (isListed) row.listed += 1;
  if (certain.length < findings.length) row.ambiguous += 1;
  const isFault = wrong.length > 0 || certain.length < findings.length || !isWhole;
  if (!isFault || row.examples.length >= 3) return;
  const text = ({ cause, subject }: Told) => `${cause}(${subject ?? ''})`.slice(0, 60);
  row.examples.push(
    `${one.model.period} ${one.model.timeZone}: ${truth.map(text).join('+')} => ${outcome}: ${findings
      .map(
        (finding) =>
          `${text(finding)} ${finding.effect} ${finding.certainty} ${finding.taskType} ${finding.level} ${finding.quantityDifference}`,
      )
      .join(' | ')
      .slice(0, 400)}`,
  );
}

function judgement(one: Case, charging: Charging, truth: readonly Told[], hasBeside = false) {
  const { document, month } = sentBy(one, charging, hasBeside);
  const explanation = explainByUsage(month, document);
  const { findings } = findingsOf(one.month.books, document, explanation);
  if (new Set(findings.map(({ id }) => id)).size < findings.length) throw new Error('two findings have one name');
  const certain = findings.filter(({ certainty }) => certainty === 'proven' || certainty === 'fits');
  const wrong = certain.filter((finding) => !isTold(finding, truth, findings));
  const isWhole = truth.every((told) => findings.some((finding) => isNamed(finding, told)));
  return {
    findings,
    certain,
    wrong,
    isWhole,
    outcome: explanation.outcome,
    isRight: wrong.length === 0 && isWhole && findings.every((finding) => isTold(finding, truth, findings)),
    isListed: truth.every((told) => findings.some((finding) => isNamed(finding, told) || isAmong(finding, told))),
  };
}

/** Any code that no rule covers is `unclassified`, whichever it is. */
const isNamed = ({ cause, subject }: Told, told: Told): boolean =>
  cause === told.cause &&
  (told.subject === null || cause === 'unclassified' || (subject ?? '').split(' or ').includes(told.subject));

const isAmong = ({ alternatives }: Finding, told: Told): boolean =>
  alternatives.split(/[|+]/).some((one) => one.startsWith(`${told.cause}(`) && one.includes(told.subject ?? ''));

function isTold(finding: Finding, truth: readonly Told[], findings: readonly Finding[]): boolean {
  // Both amounts are right roundings; a minimum that follows from the rest; a kind of task that is gone.
  if (finding.effect === 'rounding' && finding.subject !== 'of every attempt') return true;
  if (finding.effect === 'minimum' && finding.cause !== 'minimum' && findings.length > 1) return true;
  const isGone = finding.cause === 'usage_not_billed' && finding.effect === 'missing_line';
  return truth.some((told) => isNamed(finding, told) || (isGone && told.cause === 'rule'));
}

export const printedUsage = (rows: readonly UsageRow[]): string =>
  [
    'kinds                                    months  right  later  listed  ambiguous  wrong',
    ...rows.map(({ kinds, months, right, later, listed, ambiguous, wrong }) =>
      [
        kinds.padEnd(40),
        String(months).padStart(6),
        String(right).padStart(6),
        String(later).padStart(6),
        String(listed).padStart(7),
        String(ambiguous).padStart(10),
        String(wrong).padStart(6),
      ].join(' '),
    ),
    ...rows.flatMap(({ kinds, examples }) => examples.map((example) => `  ${kinds}: ${example}`)),
  ].join('\n');
