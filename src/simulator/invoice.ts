import { formatMinor, roundedProduct } from './amounts.ts';
import { monthBounds } from './month.ts';
import type { World } from './options.ts';
import { generateTransaction } from './transaction.ts';
import type { TaskType, Transaction } from './transaction.ts';

/** An attempt of the month, as the vendor books it. */
export type InvoiceLine = {
  readonly transactionId: string;
  readonly taskType: TaskType;
  /** 1-based, in order of time within the task. */
  readonly attempt: number;
  /** `2026-10-31T23:59:59.999Z` */
  readonly at: string;
  /** A scan's outcome code, or `failed` for a face task with that state; `null` = success. */
  readonly code: string | null;
  readonly level: string | null;
  /** `null` = the vendor's documentation does not say. */
  readonly invoiced: boolean | null;
};

/** Unit prices as decimal strings. Task type and level must match exactly; there is no price for any level. */
export type InvoicePrices = {
  readonly currency: string;
  /** Decimal places of the currency. Default: 2. */
  readonly minorDigits?: number;
  readonly units: readonly {
    readonly taskType: TaskType;
    readonly level: string | null;
    readonly unitPrice: string;
  }[];
};

/** The charge for a task type and level. Amounts are `null` on an invoice without prices. */
type InvoiceGroup = {
  readonly taskType: TaskType;
  readonly level: string | null;
  readonly quantity: number;
  readonly unitPrice: string | null;
  readonly amount: string | null;
};

export type Invoice = {
  readonly month: string;
  readonly timeZone: string;
  readonly lines: readonly InvoiceLine[];
  readonly invoicedCount: number;
  readonly notInvoicedCount: number;
  readonly unknownCount: number;
  readonly groups: readonly InvoiceGroup[];
  readonly currency: string | null;
  readonly totalAmount: string | null;
};

const taskTypes: readonly TaskType[] = ['document_scan', 'face_liveness', 'face_match'];

/**
 * The vendor's invoice for a month: every attempt of the month with its decision, and the cost of the invoiced ones.
 */
export function invoiceFor(
  world: World,
  month: string,
  prices?: InvoicePrices,
  played: readonly Transaction[] = [],
): Invoice {
  const { fromMs, toMs } = monthBounds(month, world.timeZone);
  const booked: { line: InvoiceLine; atMs: number }[] = [];
  const book = (transaction: Transaction): void => {
    for (const one of bookedAttempts(transaction)) if (fromMs <= one.atMs && one.atMs < toMs) booked.push(one);
  };
  for (let index = 0; index < world.transactions; index += 1) book(generateTransaction(world, index));
  played.forEach(book);
  booked.sort((a, b) => a.atMs - b.atMs || compareText(lineKey(a.line), lineKey(b.line)));
  const lines = booked.map(({ line }) => line);
  const count = (invoiced: boolean | null): number => lines.filter((line) => line.invoiced === invoiced).length;
  return {
    month,
    timeZone: world.timeZone,
    lines,
    invoicedCount: count(true),
    notInvoicedCount: count(false),
    unknownCount: count(null),
    ...charge(lines, prices),
  };
}

/** Books a scan at its own time, and a face task at the transaction's completion or, without one, at its execution. */
export function bookedAttempts({
  id,
  scans,
  faces,
  level,
  completedMs,
}: Transaction): { line: InvoiceLine; atMs: number }[] {
  const booked = scans.map(({ createdMs, code, invoiced }, position) => ({
    atMs: createdMs,
    line: line(id, 'document_scan', position + 1, createdMs, { code, level, invoiced }),
  }));
  for (const { type, executedMs, finalState } of faces) {
    if (executedMs === null) continue;
    const atMs = completedMs ?? executedMs;
    const code = finalState === 'completed' ? null : finalState;
    booked.push({ atMs, line: line(id, type, 1, atMs, { code, level: null, invoiced: true }) });
  }
  return booked;
}

function line(
  transactionId: string,
  taskType: TaskType,
  attempt: number,
  atMs: number,
  decided: Pick<InvoiceLine, 'code' | 'level' | 'invoiced'>,
): InvoiceLine {
  return { transactionId, taskType, attempt, at: new Date(atMs).toISOString(), ...decided };
}

/** The sum of the groups, each rounded once. */
export function charge(
  lines: readonly Pick<InvoiceLine, 'taskType' | 'level' | 'invoiced'>[],
  prices?: InvoicePrices,
): Pick<Invoice, 'groups' | 'currency' | 'totalAmount'> {
  const minorDigits = prices?.minorDigits ?? 2;
  let totalMinor = 0n;
  const groups = quantities(lines).map(({ taskType, level, quantity }): InvoiceGroup => {
    if (!prices) return { taskType, level, quantity, unitPrice: null, amount: null };
    const unitPrice = prices.units.find((unit) => unit.taskType === taskType && unit.level === level)?.unitPrice;
    if (unitPrice === undefined)
      throw new RangeError(`The prices have none for ${taskType}, level ${level ?? 'none'}.`);
    const minor = roundedProduct(quantity, unitPrice, minorDigits);
    totalMinor += minor;
    return { taskType, level, quantity, unitPrice, amount: formatMinor(minor, minorDigits) };
  });
  return {
    groups,
    currency: prices?.currency ?? null,
    totalAmount: prices ? formatMinor(totalMinor, minorDigits) : null,
  };
}

/** Counts invoiced attempts per task type and level, in order of task type, then level, without a level first. */
function quantities(lines: readonly Pick<InvoiceLine, 'taskType' | 'level' | 'invoiced'>[]) {
  const byPair = new Map<string, { taskType: TaskType; level: string | null; quantity: number }>();
  for (const { taskType, level, invoiced } of lines) {
    if (invoiced !== true) continue;
    const key = JSON.stringify([taskTypes.indexOf(taskType), level ?? '']);
    const pair = byPair.get(key) ?? { taskType, level, quantity: 0 };
    byPair.set(key, pair);
    pair.quantity += 1;
  }
  return [...byPair].sort(([a], [b]) => compareText(a, b)).map(([, pair]) => pair);
}

function lineKey({ transactionId, taskType, attempt }: InvoiceLine): string {
  return `${transactionId}/${taskType}/${attempt}`;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
