import fc from 'fast-check';
import { faceStates, scanCodes } from './closing-truth.ts';

/** Files as a person writes them: rule tables and price lists that change between closes. */
export type Dated = { readonly effective_from: string; readonly effective_to: string | null };
export type PriceEntry = Dated & {
  readonly task_type: string;
  readonly level: string | null;
  readonly model?: 'graduated' | 'volume';
  readonly unit_price?: string;
  readonly tiers?: readonly { readonly up_to: number | null; readonly unit_price: string }[];
  readonly free_allowance?: number;
};
export type PriceFile = {
  readonly version: string;
  readonly currency: string;
  readonly source: string;
  readonly prices: readonly PriceEntry[];
  readonly monthly_minimum: readonly (Dated & { readonly amount: string })[];
};
type RuleEntry = {
  readonly task_type: string;
  readonly outcome_code: string | null;
  readonly invoiced: boolean;
};
export type RuleFile = {
  readonly tables: readonly (Dated & {
    readonly version: string;
    readonly source: string;
    readonly rules: readonly RuleEntry[];
    readonly executed_tasks: readonly Omit<RuleEntry, 'outcome_code'>[];
  })[];
};

/** The currencies, and the digits of their minor units. */
export const currencies = { EUR: 2, JPY: 0, KWD: 3, CLF: 4 } as const;
export type Currency = keyof typeof currencies;

const taskTypes = ['document_scan', 'face_match', 'face_liveness'] as const;

/** Days on which something changes: with a month, within it, where clocks are put back, and long ago. */
const days = ['2026-08-01', '2026-09-01', '2026-09-10', '2026-10-01', '2026-10-16', '2026-10-25', '2026-11-01'];
const laterDays = ['2026-11-12', '2026-12-01', '2027-02-01'];

/** Spans that follow one another without gap, so that there is nothing before the first, and nothing behind some last. */
const spans: fc.Arbitrary<Dated[]> = fc
  .tuple(
    fc.constantFrom('2015-01-01', '2015-01-01', ...days.slice(0, 5)),
    fc.subarray([...days, ...laterDays], { maxLength: 2 }),
    fc.constantFrom(true, true, true, false),
  )
  .map(([first, more, isOpen]) => {
    const starts = [first, ...more.filter((day) => day > first)];
    const ends = isOpen || starts.length === 1 ? starts.length : starts.length - 1;
    return starts.slice(0, ends).map((from, index) => ({
      effective_from: from,
      effective_to: starts[index + 1] ?? null,
    }));
  });

const unitPrice = fc.constantFrom('0', '0.005', '0.333333', '0.85', '1', '0.125', '12.345678', '0.0625');
const lastUnits = fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 2 }).map((some) => some.sort());
const tiers = fc
  .tuple(lastUnits, fc.array(unitPrice, { minLength: 3, maxLength: 3 }))
  .map(([units, prices]) => [...units, null].map((upTo, index) => ({ up_to: upTo, unit_price: prices[index] ?? '1' })));
const priceModel: fc.Arbitrary<Omit<PriceEntry, 'task_type' | 'level' | keyof Dated>> = fc
  .tuple(
    fc.oneof(
      unitPrice.map((price) => ({ unit_price: price })),
      fc.record({ model: fc.constantFrom('graduated' as const, 'volume' as const), tiers }),
    ),
    fc.option(fc.nat(3), { nil: undefined }),
  )
  .map(([model, free]) => ({ ...model, ...(free === undefined ? {} : { free_allowance: free }) }));

const entriesOf = (taskType: string, level: string | null): fc.Arbitrary<PriceEntry[]> =>
  spans.chain((dates) =>
    fc
      .tuple(...dates.map(() => priceModel))
      .map((models) => models.map((model, index) => ({ task_type: taskType, level, ...dates[index]!, ...model }))),
  );

const sometimes = <T>(some: fc.Arbitrary<T[]>): fc.Arbitrary<T[]> =>
  fc.oneof({ weight: 3, arbitrary: some }, { weight: 1, arbitrary: fc.constant<T[]>([]) });

const minimums = spans.chain((dates) =>
  fc
    .tuple(...dates.map(() => fc.constantFrom('1', '4', '9', '30')))
    .map((amounts) => amounts.map((amount, index) => ({ ...dates[index]!, amount }))),
);

export const priceFile = (version: string, currency: Currency): fc.Arbitrary<PriceFile> =>
  fc
    .tuple(
      sometimes(entriesOf('document_scan', 'advanced')),
      sometimes(entriesOf('document_scan', 'basic')),
      entriesOf('document_scan', null),
      sometimes(entriesOf('face_match', null)),
      sometimes(entriesOf('face_liveness', null)),
      sometimes(minimums),
    )
    .map(([advanced, basic, any, match, liveness, monthly]) => ({
      version,
      currency,
      source: 'a test',
      monthly_minimum: monthly,
      prices: [...advanced, ...basic, ...any, ...match, ...liveness],
    }));

const yesNoOrNothing = fc.constantFrom(true, true, true, false, null);

export const ruleFile = (version: string): fc.Arbitrary<RuleFile> =>
  spans.chain((dates) => {
    const table = fc
      .tuple(
        fc.array(yesNoOrNothing, { minLength: 5, maxLength: 5 }),
        fc.array(yesNoOrNothing, { minLength: 6, maxLength: 6 }),
        fc.array(yesNoOrNothing, { minLength: 2, maxLength: 2 }),
      )
      .map(([scans, faces, executed]) => ({
        rules: [
          ...rulesFor('document_scan', [...scanCodes, 'processing'], scans),
          ...rulesFor('face_match', faceCodes, faces.slice(0, 3)),
          ...rulesFor('face_liveness', faceCodes, faces.slice(3)),
        ],
        executed_tasks: taskTypes.slice(1).flatMap((type, index) => {
          const invoiced = executed[index] ?? null;
          return invoiced === null ? [] : [{ task_type: type, invoiced }];
        }),
      }));
    return fc.tuple(...dates.map(() => table)).map((tables) => ({
      tables: tables.map((one, index) => ({
        version: `${version}-${index + 1}`,
        source: 'a test',
        ...dates[index]!,
        ...one,
      })),
    }));
  });

const faceCodes = faceStates.map((state) => (state === 'completed' ? null : state));

const rulesFor = (
  type: string,
  codes: readonly (string | null)[],
  decisions: readonly (boolean | null)[],
): RuleEntry[] =>
  codes.flatMap((code, index) => {
    const invoiced = decisions[index] ?? null;
    return invoiced === null ? [] : [{ task_type: type, outcome_code: code, invoiced }];
  });
