import type { Explanation, Step } from '../../../src/domain/reconciliation/explanation.ts';
import type { UsageLine } from '../../../src/domain/reconciliation/lines.ts';
import type { VendorLine } from '../../../src/domain/reconciliation/pairing.ts';

export const scans = { taskType: 'document_scan', level: 'advanced' };
/** A line of the books. */
export const own = (
  quantity: bigint,
  unitPrice: bigint | null = 850_000n,
  more: Partial<UsageLine> = {},
): UsageLine => ({
  ...scans,
  quantity,
  unitPrice,
  amount: quantity * (unitPrice ?? 0n),
  ...more,
});

/** A line of the invoice. */
export const vendor = (
  line: string,
  quantity: bigint,
  unitPrice: bigint | null = 850_000n,
  more: Partial<VendorLine> = {},
): VendorLine => ({
  ...own(quantity, unitPrice),
  amount: quantity * (unitPrice ?? 0n),
  line,
  ...more,
});

export const rule = { cause: 'rule', subject: 'document_scan/x', readings: [['rule:document_scan/x']] } as const;

/** A step of an explanation. */
export const stepOf = (certainty: Step['certainty'], part: Step['part'] = rule, among: Step['among'] = []): Step => ({
  part,
  certainty,
  among,
  lines: [],
  minimum: 0n,
});

export const unexplained: Explanation = {
  outcome: 'unexplained',
  candidates: [],
  steps: [],
  cells: [],
  evidence: [],
  setsTried: 0,
  isBounded: false,
  held: [],
  ruledOut: [],
};
