import type { PriceList } from '../prices.ts';
import type { Cause } from './causes.ts';
import { type Contract, type Cube, type CubeRow, hasTiers, timesOfAttempts } from './cube.ts';
import { type Act, type Change, type Hypothesis, type MoneyReading, type TierCount, tierCounts } from './readings.ts';
import { firstCounted } from './tiers.ts';
import { zonesIn, zoneText } from './zones.ts';

/** The reading of the books. */
export const ownMoney = ({ lists }: Pick<Contract, 'lists'>): MoneyReading => ({
  lists,
  tiers: 'month',
  isModelSwapped: false,
  allowances: 1n,
  minimums: 1n,
  rounding: 'line',
});

/** Every hypothesis that can have an effect on a month. What last month showed does not count yet. */
export function hypothesesFor(cube: Cube, contract: Contract): Hypothesis[] {
  return [...cutoffs(cube.period), ...decisions(cube.rows), ...money(cube.period, contract)];
}

function cutoffs(period: string): Hypothesis[] {
  const zones = zonesIn(period).map((zone) => cutoff(zoneText(zone), { of: 'zone', zone }));
  const times = timesOfAttempts.filter((time) => time !== 'attempt').map((time) => cutoff(time, { of: 'time', time }));
  return [...zones, ...times];
}

const cutoff = (subject: string, change: Change): Hypothesis => ({
  key: `cutoff:${subject}`,
  cause: 'cutoff',
  subject,
  taskType: null,
  change,
});

/** Scans that no list has are decided by the counter, not by a rule. */
const unlisted = '(not listed)';
/** What rules name instead of a code for an attempt that succeeded. */
const success = 'success';

function decisions(rows: readonly CubeRow[]): Hypothesis[] {
  const codes = [...Map.groupBy(rows, ({ taskType, code }) => JSON.stringify([taskType, code])).values()].flatMap(
    (same) => (same[0] ? [{ taskType: same[0].taskType, code: same[0].code, same }] : []),
  );
  const ruled = codes.filter(({ code, same }) => code !== unlisted && same.some(({ invoiced }) => invoiced !== null));
  const open = codes.filter(({ same }) => same.some(({ invoiced }) => invoiced === null));
  const named = ({ taskType, code }: Pick<CubeRow, 'taskType' | 'code'>) => `${taskType}/${code ?? success}`;
  return [
    ...ruled.map(({ taskType, code }) =>
      decision(
        'rule',
        named({ taskType, code }),
        'turn',
        (row) => row.taskType === taskType && row.code === code && row.invoiced !== null,
        taskType,
      ),
    ),
    ...[...new Set(rows.map(({ taskType }) => taskType))].map((taskType) =>
      decision(
        'rule',
        `${taskType}/all`,
        'take_in',
        (row) => row.taskType === taskType && row.invoiced === false,
        taskType,
      ),
    ),
    ...flag('rule', 'linked', (row) => row.linked),
    ...flag('rule', 'failed', (row) => row.failed),
    decision(
      'counter',
      'attemptsInvoiced',
      'counter',
      ({ counter }) => counter === 'charged' || counter === 'not_charged',
    ),
    decision('unclassified', 'all', 'take_in', ({ invoiced }) => invoiced === null),
    ...(open.length < 2 ? [] : open).map(({ taskType, code }) =>
      decision(
        'unclassified',
        named({ taskType, code }),
        'take_in',
        (row) => row.taskType === taskType && row.code === code && row.invoiced === null,
      ),
    ),
    ...flag('abandoned', '', (row) => row.abandoned),
    decision('late', 'since the close', 'late', ({ late }) => late !== 'no'),
  ];
}

function decision(
  cause: Cause,
  subject: string,
  act: Act,
  concerns: (row: CubeRow) => boolean,
  taskType: string | null = null,
): Hypothesis {
  return { key: `${cause}:${subject}`, cause, subject, taskType, change: { of: 'decisions', act, concerns } };
}

/** Attempts of a kind are billed although the rules say no, or none of them is, also where another hypothesis bills them. */
function flag(cause: Cause, name: string, has: (row: CubeRow) => boolean): Hypothesis[] {
  const [billed, notBilled] = name === '' ? ['billed', 'not billed'] : [`${name} billed`, `${name} not billed`];
  return [
    decision(cause, billed, 'take_in', (row) => has(row) && row.invoiced === false),
    decision(cause, notBilled, 'leave_out', has),
  ];
}

const tierSubjects: Readonly<Record<Exclude<TierCount, 'month'>, string>> = {
  month_before_alone: 'of the month before',
  from_month_before: 'counted from the month before',
  from_quarter: 'counted from the quarter',
  from_year: 'counted from the year',
};

function money(period: string, contract: Contract): Hypothesis[] {
  const { lists, otherLists } = contract;
  const known = [...lists, ...otherLists];
  const has = (one: (list: PriceList) => boolean): boolean => known.some(one);
  const isFree = has(({ prices }) => prices.some(({ freeAllowance }) => freeAllowance > 0n));
  const hasMinimum = has(({ monthlyMinimums }) => monthlyMinimums.length > 0);
  return [
    ...otherLists.map((list) => ofMoney('price', list.version, { lists: [list, ...lists] })),
    ...(hasTiers(contract)
      ? [...countedElsewhere(period), ofMoney('tier', 'graduated for volume', { isModelSwapped: true })]
      : []),
    ...(isFree ? twice('allowance', (allowances) => ({ allowances })) : []),
    ...(hasMinimum ? twice('minimum', (minimums) => ({ minimums })) : []),
    ...(known.length > 0 ? [ofMoney('rounding', 'of every attempt', { rounding: 'attempt' })] : []),
  ];
}

/** Tiers that are counted from other months: in the first months of a year, ways to do that come to the same. */
function countedElsewhere(period: string): Hypothesis[] {
  const ways = tierCounts.flatMap((tiers) => {
    const from = firstCounted(period, tiers);
    return tiers === 'month' || from === undefined || from >= period ? [] : [{ tiers, from }];
  });
  const same = Map.groupBy(ways, ({ tiers, from }) => (tiers === 'month_before_alone' ? tiers : from));
  return [...same.values()].flatMap(([first, ...others]) => {
    if (!first) return [];
    const subjects = [first, ...others].map(({ tiers }) => tierSubjects[tiers]);
    return [ofMoney('tier', subjects.join(' or '), { tiers: first.tiers })];
  });
}

function ofMoney(cause: Cause, subject: string, change: Partial<MoneyReading>): Hypothesis {
  return { key: `${cause}:${subject}`, cause, subject, taskType: null, change: { of: 'money', change } };
}

const twice = (cause: Cause, change: (times: bigint) => Partial<MoneyReading>): Hypothesis[] => [
  ofMoney(cause, 'left out', change(0n)),
  ofMoney(cause, 'doubled', change(2n)),
];
