import { dayStart, type ModelAttempt, type ModelMonth, monthAfter, offsetAt, pick } from './support-months.ts';
import type { Billing, ModelList } from './support-vendor.ts';

/** What a vendor does otherwise, as an explanation would have to name it. */
export type Fault = {
  readonly kind: string;
  readonly cause: string;
  /** How subjects are written; `null` = any. */
  readonly subject: string | null;
  readonly change: (billing: Billing) => Billing;
};

/** Every offset pair that real time zones have at the ends of a month, each with one of its zones. */
const zonesKnown = new Map<string, string[]>();
function realZones(period: string): string[] {
  const known = zonesKnown.get(period);
  if (known) return known;
  const ends = [`${period}-01`, `${monthAfter(period)}-01`].map((date) => Date.parse(`${date}T00:00:00Z`));
  const byPair = new Map(
    Intl.supportedValuesOf('timeZone').map((zone) => [
      ends.map((end) => offsetAt(zone, end - offsetAt(zone, end) * 60_000)).join(),
      zone,
    ]),
  );
  zonesKnown.set(period, [...byPair.values()]);
  return [...byPair.values()];
}

const also = (billing: Billing, more: (one: ModelAttempt, isBilled: boolean) => boolean): Billing => ({
  ...billing,
  bills: (one) => more(one, billing.bills(one)),
});

/** Draws a fault of a kind; `undefined` = the month has none of it. */
export function faultOf(
  name: string,
  random: () => number,
  month: ModelMonth,
  lists: readonly ModelList[],
): Fault | undefined {
  for (let tries = 0; tries < 400; tries += 1) {
    const fault = libraryFault(random, month, lists);
    if (fault.kind === name) return fault;
  }
  return undefined;
}

/** Draws a fault of the library. Its kinds are alike likely. */
export function libraryFault(random: () => number, month: ModelMonth, lists: readonly ModelList[]): Fault {
  const kind = pick(random, kinds);
  return kind(random, month, lists) ?? libraryFault(random, month, lists);
}

type Kind = (random: () => number, month: ModelMonth, lists: readonly ModelList[]) => Fault | undefined;

/** Attempts with something are billed although the rules say no, or are not although they do not. */
const flag =
  (name: string, cause: string, has: (one: ModelAttempt) => boolean): Kind =>
  (random) => {
    const bills = random() < 0.3;
    return {
      kind: name,
      cause,
      subject: `${name === 'abandoned' ? '' : `${name} `}${bills ? 'billed' : 'not billed'}`,
      change: (billing) =>
        also(billing, (one, isBilled) => (has(one) && (!bills || one.own === false) ? bills : isBilled)),
    };
  };

function zoneFault(timeZone: string, month: ModelMonth): Fault | undefined {
  const edges = (of: string) => [month.period, monthAfter(month.period)].map((one) => dayStart(`${one}-01`, of)).join();
  if (edges(timeZone) === edges(month.timeZone)) return undefined;
  return { kind: 'zone', cause: 'cutoff', subject: null, change: (billing) => ({ ...billing, timeZone }) };
}

const times = ['created', 'completed'] as const;
const timeFault = (time: (typeof times)[number]): Fault => ({
  kind: 'time',
  cause: 'cutoff',
  subject: null,
  change: (billing) => ({ ...billing, time }),
});

const zone: Kind = (random, month) => zoneFault(pick(random, realZones(month.period)), month);
const time: Kind = (random) => timeFault(pick(random, times));

/** Draws a cut-off, each as likely: every pair of offsets that some zone has, and every other time of a transaction. */
export function cutOffFault(random: () => number, month: ModelMonth): Fault {
  const drawn = pick(random, [...realZones(month.period), ...times]);
  const known = times.find((one) => one === drawn);
  return (known === undefined ? zoneFault(drawn, month) : timeFault(known)) ?? cutOffFault(random, month);
}

const code: Kind = (random, month) => {
  const { type, code: turned, own } = pick(random, month.attempts);
  if (own === null) return undefined;
  return {
    kind: 'code',
    cause: 'rule',
    subject: `${type}/${turned ?? 'success'}`,
    change: (billing) =>
      also(billing, (one, isBilled) =>
        one.type === type && one.code === turned && one.own !== null ? !one.own : isBilled,
      ),
  };
};

const allScans: Kind = () => ({
  kind: 'all scans',
  cause: 'rule',
  subject: 'document_scan/all',
  change: (billing) =>
    also(billing, (one, isBilled) => (one.type === 'document_scan' && one.own === false ? true : isBilled)),
});

const counter: Kind = () => ({
  kind: 'counter',
  cause: 'counter',
  subject: 'attemptsInvoiced',
  change: (billing) => also(billing, (one, isBilled) => (one.counterDiffers ? one.own === false : isBilled)),
});

const unclassified: Kind = () => ({
  kind: 'unclassified',
  cause: 'unclassified',
  subject: 'all',
  change: (billing) => also(billing, (one, isBilled) => (one.own === null ? true : isBilled)),
});

const late: Kind = (_, month) => ({
  kind: 'late',
  cause: 'late',
  subject: 'since the close',
  change: (billing) => ({ ...billing, counts: (one) => !one.late || month.basis === 'closed' }),
});

const list: Kind = (random, _, lists) => {
  if (lists.length < 2) return undefined;
  const other = pick(random, lists.slice(1));
  return {
    kind: 'list',
    cause: 'price',
    subject: other.version,
    change: (billing) => ({ ...billing, list: other }),
  };
};

const tierSubjects = {
  'before alone': 'of the month before',
  'from before': 'counted from the month before',
  quarter: 'counted from the quarter',
  year: 'counted from the year',
} as const;

const tiers: Kind = (random, _, lists) => {
  if (lists[0]!.prices.every(({ model }) => model === 'flat')) return undefined;
  const counted = pick(random, Object.keys(tierSubjects) as (keyof typeof tierSubjects)[]);
  return {
    kind: 'tiers',
    cause: 'tier',
    subject: tierSubjects[counted],
    change: (billing) => ({ ...billing, tiers: counted }),
  };
};

const model: Kind = (_, __, lists) =>
  lists[0]!.prices.every((one) => one.model === 'flat')
    ? undefined
    : {
        kind: 'model',
        cause: 'tier',
        subject: 'graduated for volume',
        change: (billing) => ({ ...billing, swapped: true }),
      };

const allowance: Kind = (random, _, lists) => {
  if (lists[0]!.prices.every(({ free }) => free === 0)) return undefined;
  const free = pick(random, [0, 2]);
  return {
    kind: 'allowance',
    cause: 'allowance',
    subject: manyTimes(free),
    change: (billing) => ({ ...billing, free }),
  };
};

const minimum: Kind = (random, _, lists) => {
  if (lists[0]!.minimum === 0n) return undefined;
  const asked = pick(random, [0, 2]);
  return {
    kind: 'minimum',
    cause: 'minimum',
    subject: manyTimes(asked),
    change: (billing) => ({ ...billing, minimums: BigInt(asked) }),
  };
};

const manyTimes = (count: number): string => (count === 0 ? 'left out' : 'doubled');

const rounding: Kind = () => ({
  kind: 'rounding',
  cause: 'rounding',
  subject: 'of every attempt',
  change: (billing) => ({ ...billing, rounding: 'attempt' }),
});

const leftOut: Kind = (random) => {
  const type = pick(random, ['face_liveness', 'face_match'] as const);
  return {
    kind: 'left out',
    cause: 'usage_not_billed',
    subject: type,
    change: (billing) => also(billing, (one, isBilled) => (one.type === type ? false : isBilled)),
  };
};

const kinds: readonly Kind[] = [
  zone,
  time,
  code,
  code,
  allScans,
  flag('linked', 'rule', ({ linked }) => linked),
  flag('failed', 'rule', ({ failed }) => failed),
  flag('abandoned', 'abandoned', ({ abandoned }) => abandoned),
  counter,
  unclassified,
  late,
  list,
  tiers,
  model,
  allowance,
  minimum,
  rounding,
  leftOut,
];

/** The order in which faults act: what they say of one attempt may contradict. */
const order = ['late', 'code', 'counter', 'unclassified', 'all scans', 'linked', 'failed', 'abandoned', 'left out'];

/**
 * The billing of a vendor with several faults: first the rules, then the counters, then what is billed whatever they say,
 * last what is not.
 */
export function applied(billing: Billing, faults: readonly Fault[]): Billing {
  const place = ({ kind, subject }: Fault): number =>
    order.indexOf(kind) + (subject?.endsWith('not billed') || kind === 'left out' ? 100 : 0);
  return [...faults].sort((a, b) => place(a) - place(b)).reduce((changed, fault) => fault.change(changed), billing);
}
