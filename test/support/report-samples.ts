/** An attempt's line as a hand-made report has it. */
export type Line = {
  readonly id: string;
  readonly task: string;
  readonly attempt: number;
  readonly at: string;
  readonly code: string;
  readonly invoiced: boolean | null;
  readonly level: string;
  readonly price: string | null;
  readonly tier: string;
  readonly quantity: 1 | -1;
  readonly corrects: string;
  /** Whom it is charged on to; only written in layout 3. */
  readonly reference?: string;
  /** What decided; without it, a rule for the code. */
  readonly reason?: string;
  /** The vendor's counters of the whole task, and whether they match; without them, those of the discrepancies. */
  readonly counters?: readonly [attempts: number | null, invoiced: number | null, status: string];
};

export const reasonOf = ({ code, invoiced, reason }: Line): string => {
  if (reason !== undefined) return reason;
  if (invoiced === null) return 'code_without_rule';
  return `${code === '' ? 'success' : 'code'}_${invoiced ? 'invoiced' : 'not_invoiced'}`;
};

export type Report = {
  /** Default: 1. */
  readonly layout?: 1 | 3;
  readonly period?: string;
  readonly version?: number | null;
  readonly lines: readonly Line[];
  /** `null` = no price list. */
  readonly currency?: string | null;
  readonly minorDigits?: number;
  readonly minimum?: string | null;
  /** Amounts of minimum lines that correct a month. */
  readonly minimumCorrections?: readonly (readonly [period: string, amount: string])[];
  readonly discrepancies?: readonly (readonly [id: string, own: number, vendor: number])[];
};

export const line = (id: string, more: Partial<Line> = {}): Line => ({
  id,
  task: 'document_scan',
  attempt: 1,
  at: '2026-10-05T10:00:00Z',
  code: '',
  invoiced: true,
  level: 'advanced',
  price: '0.85',
  tier: 'flat',
  quantity: 1,
  corrects: '',
  ...more,
});

/** A bit of everything: tiers, corrections of two months, a monthly minimum, hostile text, unclassified and unpriced. */
export const everything: Report = {
  version: 1,
  minimum: '500.00',
  minimumCorrections: [['2026-09', '-1.25']],
  discrepancies: [
    ['a-1', 2, 5],
    ['c-1', 3, 1],
  ],
  lines: [
    line('C-older', { at: '2026-10-31T23:59:59Z', level: '', price: '0.3333', tier: '1 to 1000' }),
    line('a-1', { tier: 'free to 100', price: '0.00' }),
    line('a-1', { attempt: 2, code: 'unknown_type_front', invoiced: false }),
    line('a-1', { attempt: 10, code: '=cmd(1,"x")', invoiced: null, at: '2026-10-01T00:00:00Z' }),
    line('a-1', { task: 'face_match', level: '', price: '0.25', tier: 'from 10001' }),
    line('b-1', { at: '2026-09-30T23:59:59Z', quantity: -1, corrects: '2026-09' }),
    line('b-1', { at: '2026-09-30T23:59:59Z', code: 'x', invoiced: false, corrects: '2026-09' }),
    line('b-2', { at: '2026-08-30T10:00:00Z', corrects: '2026-08', level: '1E10' }),
    line('c-1', { attempt: 4, code: '2026-10', level: 'TRUE', price: '1234.567891' }),
    line('d-1', { task: 'face_liveness', level: '', code: '001', invoiced: false, price: null, tier: '' }),
    line('😀', { code: 'é, "ü"; x', level: '007' }),
  ],
};

/** The same in the present layout, with references. */
export const inPresentLayout = (report: Report): Report => ({
  ...report,
  layout: 3,
  lines: report.lines.map((one, at) => ({ ...one, reference: ['', 'shop', '-7', '007'][at % 4] ?? '' })),
});

/** A report of few bytes. */
export const small: Report = { lines: [line('a-1')], minimum: '1.00', discrepancies: [['a-1', 1, 2]] };
