import type { PriceList } from '../../../src/domain/prices.ts';
import { type Contract, type Cube, cubeMarks, type CubeRow } from '../../../src/domain/reconciliation/cube.ts';
import type { Month } from '../../../src/domain/reconciliation/explain.ts';
import type { InvoiceLine, VendorInvoice } from '../../../src/domain/vendor-invoice.ts';
import { contractOf } from './support-contracts.ts';
import { type ModelAttempt, type ModelMonth, modelMonth } from './support-months.ts';
import { type Billing, invoiceOf, type ModelInvoice, type ModelList } from './support-vendor.ts';

/** A month in the model, and as the books have it. */
export type Case = {
  readonly model: ModelMonth;
  readonly lists: readonly ModelList[];
  readonly own: Billing;
  readonly month: Month;
};

export function caseOf(seed: number, size: number): Case {
  const model = modelMonth(seed, size);
  const lists = contractOf(seed + 1, model, size);
  const own: Billing = {
    timeZone: model.timeZone,
    time: 'at',
    counts: (one) => !one.late || model.basis === 'restated',
    bills: (one) => one.own === true,
    list: lists[0]!,
    tiers: 'month',
    swapped: false,
    free: 1,
    minimums: 1n,
    rounding: 'line',
  };
  const [first, ...others] = lists.map(priceList);
  const contract: Contract = { timeZone: model.timeZone, lists: [first!], otherLists: others };
  const invoice = invoiceOf(model, own);
  return {
    model,
    lists,
    own,
    month: {
      cube: cubeOf(model, contract),
      contract,
      books: {
        period: model.period,
        currency: 'EUR',
        minorDigits: 2,
        minimum: invoice.minimum,
        lines: invoice.lines.map(({ type, level, price, quantity, amount }) => ({
          taskType: type,
          level,
          unitPrice: price,
          quantity,
          amount,
        })),
      },
      priors: { held: [] },
    },
  };
}

function priceList({ version, prices, minimum }: ModelList): PriceList {
  const next = (price: ModelList['prices'][number]) =>
    prices.find((one) => one.type === price.type && one.level === price.level && one.from > price.from)?.from ?? null;
  return {
    version,
    currency: 'EUR',
    minorDigits: 2,
    source: '',
    monthlyMinimums: minimum === 0n ? [] : [{ effectiveFrom: '2020-01-01', effectiveTo: null, amount: minimum }],
    prices: prices.map((price) => {
      const common = {
        taskType: price.type,
        level: price.level,
        effectiveFrom: price.from === '' ? '2020-01-01' : price.from,
        effectiveTo: next(price),
        freeAllowance: BigInt(price.free),
      };
      if (price.model === 'flat') return { ...common, model: price.model, unitPrice: price.steps[0]!.price };
      let upTo = 0n;
      const tiers = price.steps.map(({ size, price: unitPrice }) => {
        if (size === Infinity) return { upTo: null, unitPrice };
        upTo += BigInt(size);
        return { upTo, unitPrice };
      });
      return { ...common, model: price.model, tiers };
    }),
  };
}

type ChargedIn = { readonly period: string; readonly isNear: boolean };

/**
 * Groups attempts as the one SQL statement would.
 *
 * @param charges what a usage statement charges for an attempt: units, at which level, where it is another one, and which
 * other month's statement charges it.
 */
export function cubeOf(
  { period, basis, attempts, earlier }: ModelMonth,
  contract: Contract,
  charges?: {
    unitsOf: (attempt: ModelAttempt) => number;
    otherLevelOf: (attempt: ModelAttempt) => string | null;
    chargedInOf: (attempt: ModelAttempt) => ChargedIn | null;
  },
): Cube {
  const marks = cubeMarks(period, contract);
  const times = marks.map((mark) => mark.getTime());
  const [first, last] = [times[0]!, times.at(-1)!];
  const isNear = (at: number) => at >= first && at < last;
  const slot = (at: number): number => {
    let [low, high] = [0, times.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle]! <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const rows = new Map<
    string,
    CubeRow & {
      count: number;
      usage?: {
        charged: number;
        extra: number;
        chargedAgain: number;
        otherLevel: string | null;
        isElsewhere: boolean;
        chargedIn: ChargedIn | null;
      };
    }
  >();
  for (const one of attempts) {
    const units = charges?.unitsOf(one) ?? 0;
    const otherLevel = charges?.otherLevelOf(one) ?? null;
    const chargedIn = charges?.chargedInOf(one) ?? null;
    if (units === 0 && ![one.at, one.created, one.completed].some(isNear)) continue;
    const slots = { attempt: slot(one.at), created: slot(one.created), completed: slot(one.completed) };
    const flags = [one.own, one.linked, one.failed, one.abandoned, one.late, one.counterDiffers];
    const charged = [otherLevel, chargedIn?.period, chargedIn?.isNear];
    const key = [
      one.type,
      one.level,
      one.code,
      ...flags,
      ...charged,
      slots.attempt,
      slots.created,
      slots.completed,
    ].join('|');
    const known = rows.get(key);
    const usage = {
      charged: Math.min(1, units),
      extra: Math.max(0, units - 1),
      chargedAgain: units > 1 ? 1 : 0,
      otherLevel,
      isElsewhere: false,
      chargedIn,
    };
    if (known) {
      known.count += 1;
      if (known.usage)
        for (const field of ['charged', 'extra', 'chargedAgain'] as const) known.usage[field] += usage[field];
    } else
      rows.set(key, {
        taskType: one.type,
        level: one.level,
        code: one.code,
        invoiced: one.own,
        counter: !one.counterDiffers ? 'absent' : one.own === true ? 'not_charged' : 'charged',
        linked: one.linked,
        failed: one.failed,
        abandoned: one.abandoned,
        late: one.late ? 'came' : 'no',
        slots,
        count: 1,
        ...(charges ? { usage } : {}),
      });
  }
  return {
    period,
    basis,
    marks,
    rows: [...rows.values()],
    earlier: earlier.map(({ type, ...rest }) => ({ ...rest, taskType: type })),
  };
}

/** The vendor's document. Some vendors print free units, others do not. */
export function documentOf(
  { lines, minimum }: ModelInvoice,
  { period, printsFree, extra = [] }: { period: string; printsFree: boolean; extra?: readonly InvoiceLine[] },
): VendorInvoice {
  const usage = lines
    .filter(({ price }) => printsFree || price !== 0n)
    .map((line): Omit<InvoiceLine, 'line'> => ({
      description: `${line.type} ${line.level}`,
      kind: 'usage',
      taskType: line.type,
      level: line.level,
      quantity: line.quantity,
      unitPrice: line.price,
      amount: line.amount,
    }));
  const least = {
    description: 'Minimum',
    kind: 'minimum',
    taskType: null,
    level: null,
    quantity: null,
    unitPrice: null,
    amount: minimum,
  } as const;
  const all = [...usage, ...(minimum === 0n ? [] : [least])].map((line, index) => ({
    ...line,
    line: String(index + 1),
  }));
  return {
    number: 'R-1',
    isCreditNote: false,
    issueDate: `${period}-28`,
    currency: 'EUR',
    period,
    lines: [...all, ...extra],
    stated: { net: null, tax: null, total: null },
  };
}
