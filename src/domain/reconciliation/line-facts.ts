import type { Micros } from '../money.ts';
import type { LinePair } from './pairing.ts';

/** What both sides say of a line; `null` = one has no such line, or does not say. */
export type LineFacts = {
  /** As the invoice numbers it, several joined by `+`; `null` = it has no such line. */
  readonly invoiceLine: string | null;
  readonly taskType: string | null;
  readonly level: string | null;
  readonly ownQuantity: bigint | null;
  readonly vendorQuantity: bigint | null;
  readonly ownUnitPrice: Micros | null;
  readonly vendorUnitPrice: Micros | null;
  readonly ownAmount: Micros | null;
  readonly vendorAmount: Micros | null;
};

export function lineFacts(pair: LinePair): LineFacts {
  const { own, vendor } = pair;
  const { taskType = null, level = null } = own ?? vendor ?? {};
  return {
    invoiceLine: vendor?.line ?? null,
    taskType,
    level,
    ownQuantity: own?.quantity ?? null,
    vendorQuantity: vendor?.quantity ?? null,
    ownUnitPrice: own?.unitPrice ?? null,
    vendorUnitPrice: vendor?.unitPrice ?? null,
    ownAmount: own?.amount ?? null,
    vendorAmount: vendor?.amount ?? null,
  };
}

/** Of what is about no usage. */
export const withoutUsage = {
  invoiceLine: null,
  taskType: null,
  level: null,
  ownQuantity: null,
  vendorQuantity: null,
  ownUnitPrice: null,
  vendorUnitPrice: null,
  ownAmount: null,
  vendorAmount: null,
} as const satisfies LineFacts;
