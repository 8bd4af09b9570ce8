import { type Contract, contractOf } from '../billing/contract.ts';
import { priceOf } from '../billing/bill.ts';
import { formatMicros, type Micros } from '../billing/micros.ts';
import { bookedAttempts } from '../invoice.ts';
import type { TaskType, Transaction } from '../transaction.ts';

/** An attempt and what it costs. */
export type Cost = {
  readonly taskType: TaskType;
  readonly atMs: number;
  readonly code: string | null;
  /** `null` = the vendor's documentation does not say. */
  readonly invoiced: boolean | null;
  /** `0.85`; `null` = nothing, or it is not known. */
  readonly price: string | null;
};

export type Costs = {
  readonly attempts: readonly Cost[];
  /** `EUR 1.20`; `null` = there is no price list, or it has no single price in this month. */
  readonly total: string | null;
};

/**
 * What a transaction costs so far, attempt by attempt, at the first unit's price of the month: tiers and allowances
 * belong to a whole month.
 */
export function costsOf(transaction: Transaction, priceList: string | null, nowMs: number): Costs {
  const booked = bookedAttempts(transaction).sort((a, b) => a.atMs - b.atMs);
  const contract = contractAt(priceList, nowMs);
  let sum: Micros = 0n;
  const attempts = booked.map(({ atMs, line: { taskType, code, level, invoiced } }): Cost => {
    const price = contract && invoiced === true ? unitPrice(contract, { taskType, level }) : undefined;
    sum += price ?? 0n;
    const shown = contract && price !== undefined ? formatMicros(price, contract.minorDigits) : null;
    return { taskType, atMs, code, invoiced, price: shown };
  });
  return { attempts, total: contract ? `${contract.currency} ${formatMicros(sum, contract.minorDigits)}` : null };
}

/** `undefined` = the list has none. */
function unitPrice(contract: Contract, of: Parameters<typeof priceOf>[1]): Micros | undefined {
  try {
    return priceOf(contract, of).tiers[0]?.unitPrice;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function contractAt(priceList: string | null, nowMs: number) {
  try {
    return priceList === null ? null : contractOf(priceList, new Date(nowMs).toISOString().slice(0, 7));
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
