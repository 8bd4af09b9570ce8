import { dayStart, type ModelMonth, monthAfter, pick } from './support-months.ts';
import { type Billing, cents, invoiceOf, type ModelInvoice } from './support-vendor.ts';

/** A fault that the library does not have, and what a vendor with it sends; `undefined` = it would be one of the library. */
export type Outside = (random: () => number, month: ModelMonth, own: Billing) => ModelInvoice | undefined;

const hour = 3_600_000;

const someDay = (random: () => number, { period, timeZone }: ModelMonth): readonly [number, number] => {
  const [start, end] = [dayStart(`${period}-01`, timeZone), dayStart(`${monthAfter(period)}-01`, timeZone)];
  const from = start + 24 * hour * (1 + Math.floor(random() * 26));
  return [from, Math.min(from + 24 * hour, end)];
};

const dayMissing: Outside = (random, month, own) => {
  const [from, to] = someDay(random, month);
  return invoiceOf(month, { ...own, bills: (one) => own.bills(one) && !(one.at >= from && one.at < to) });
};

const hourDoubled: Outside = (random, month, own) => {
  const from = someDay(random, month)[0] + hour * Math.floor(random() * 24);
  const twice = month.attempts.filter(({ at }) => at >= from && at < from + hour);
  return invoiceOf({ ...month, attempts: [...month.attempts, ...twice] }, own);
};

/** A rule that is turned for some attempts alone. */
const partly =
  (some: (random: () => number, month: ModelMonth) => (one: ModelMonth['attempts'][number]) => boolean): Outside =>
  (random, month, own) => {
    const { type, code, own: decided } = pick(random, month.attempts);
    if (decided === null) return undefined;
    const isSome = some(random, month);
    const turned = (isTurned: typeof isSome) =>
      invoiceOf(month, {
        ...own,
        bills: (one) => (one.type === type && one.code === code && isTurned(one) ? one.own === false : own.bills(one)),
      });
    const invoice = turned(isSome);
    return textOf(invoice) === textOf(turned(() => true)) ? undefined : invoice;
  };

const fromSomeDay = partly((random, month) => {
  const [from] = someDay(random, month);
  return ({ at }) => at >= from;
});

const atOneLevel = partly((random, month) => {
  const { level } = pick(random, month.attempts);
  return (one) => one.level === level;
});

const randomQuantities: Outside = (random, month, own) => {
  const invoice = invoiceOf(month, own);
  const lines = invoice.lines.map((line) => {
    if (random() < 0.5 || line.price === 0n) return line;
    const spread = Math.max(3, Number(line.quantity) * pick(random, [0.01, 0.03, 0.1]));
    const changed = Number(line.quantity) + Math.round((random() - 0.5) * 2 * spread);
    const quantity = BigInt(Math.max(1, changed));
    return { ...line, quantity, amount: cents(quantity * line.price) };
  });
  const sum = lines.reduce((total, { amount }) => total + amount, 0n);
  return { lines, minimum: own.list.minimum > sum ? own.list.minimum - sum : 0n };
};

export const textOf = ({ lines, minimum }: ModelInvoice): string =>
  [
    ...lines.map((line) => `${line.type} ${line.level} ${line.price} ${line.quantity} ${line.amount}`).sort(),
    minimum,
  ].join();

export const outsideFaults: Readonly<Record<string, Outside>> = {
  'a day missing': dayMissing,
  'an hour doubled': hourDoubled,
  'a rule from some day on': fromSomeDay,
  'a rule at one level alone': atOneLevel,
  'random quantities': randomQuantities,
};
