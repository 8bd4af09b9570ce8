/** The files of a report. */
export type ReportKind = 'detail' | 'summary' | 'references' | 'codes' | 'discrepancies';

/**
 * What a cell holds. `text` comes from the vendor or an operator and is neutralised; a `word` is one of ours. `signed`
 * and `amount` cells are negative when a correction takes something back; `whole` and `price` cells never are.
 */
export type CellType = 'month' | 'text' | 'word' | 'whole' | 'signed' | 'instant' | 'boolean' | 'price' | 'amount';

/** A column of a report file: the single definition for writers, checks and copies of the files. */
export type ReportColumn = {
  readonly header: string;
  readonly type: CellType;
  readonly mayBeEmpty: boolean;
  /** The first layout that has the column. */
  readonly since: number;
};

export const column = <const Header extends string>(
  header: Header,
  type: CellType,
  { mayBeEmpty = false, since = 1 }: { mayBeEmpty?: boolean; since?: number } = {},
) => ({ header, type, mayBeEmpty, since });

const empty = { mayBeEmpty: true };
const third = { since: 3 };
const thirdOrEmpty = { mayBeEmpty: true, since: 3 };

const columns = {
  detail: [
    column('period', 'month'),
    column('transaction_id', 'text'),
    column('result_id', 'text', empty),
    column('task_type', 'text'),
    column('attempt', 'whole'),
    column('attempted_at', 'instant'),
    column('outcome_code', 'text', empty),
    column('invoiced', 'boolean', empty),
    column('reason', 'word'),
    column('level', 'text', empty),
    column('capture_source', 'text', empty),
    column('linked', 'boolean', empty),
    column('transaction_state', 'text'),
    column('settled', 'boolean'),
    column('unit_price', 'price', empty),
    column('amount', 'amount', empty),
    column('currency', 'word', empty),
    column('rule_table_version', 'word', empty),
    column('price_list_version', 'word', empty),
    column('is_correction', 'boolean'),
    column('corrects_period', 'month', empty),
    column('vendor_attempts', 'whole', empty),
    column('vendor_attempts_invoiced', 'whole', empty),
    column('counter_status', 'word'),
    column('quantity', 'signed'),
    column('price_tier', 'word', empty),
    column('reference', 'text', { mayBeEmpty: true, since: 2 }),
  ],
  summary: [
    column('period', 'month'),
    column('record_type', 'word'),
    column('task_type', 'text', empty),
    column('level', 'text', empty),
    column('attempts', 'signed'),
    column('invoiced', 'signed'),
    column('not_invoiced', 'signed'),
    column('unclassified', 'signed'),
    column('unit_price', 'price', empty),
    column('amount', 'amount', empty),
    column('currency', 'word', empty),
    column('vendor_counter', 'signed', empty),
    column('period_status', 'word'),
    column('rule_table_version', 'word', empty),
    column('price_list_version', 'word', empty),
    column('is_correction', 'boolean', empty),
    column('corrects_period', 'month', empty),
  ],
  references: [
    column('period', 'month', third),
    column('reference', 'text', thirdOrEmpty),
    column('task_type', 'text', third),
    column('level', 'text', thirdOrEmpty),
    column('attempts', 'signed', third),
    column('invoiced', 'signed', third),
    column('not_invoiced', 'signed', third),
    column('unclassified', 'signed', third),
    column('unit_price', 'price', thirdOrEmpty),
    column('amount', 'amount', thirdOrEmpty),
    column('currency', 'word', thirdOrEmpty),
    column('rule_table_version', 'word', thirdOrEmpty),
    column('price_list_version', 'word', thirdOrEmpty),
    column('is_correction', 'boolean', third),
    column('corrects_period', 'month', thirdOrEmpty),
  ],
  codes: [
    column('period', 'month'),
    column('task_type', 'text'),
    column('outcome_code', 'text', empty),
    column('attempts', 'signed'),
    column('invoiced', 'signed'),
    column('amount', 'amount', empty),
    column('currency', 'word', empty),
    column('is_correction', 'boolean'),
    column('corrects_period', 'month', empty),
    column('not_invoiced', 'signed', { since: 2 }),
    column('unclassified', 'signed', { since: 2 }),
  ],
  discrepancies: [
    column('period', 'month'),
    column('transaction_id', 'text'),
    column('task_type', 'text'),
    column('reason', 'word'),
    column('own_quantity', 'signed'),
    column('vendor_quantity', 'signed'),
    column('difference', 'signed'),
    column('is_correction', 'boolean'),
    column('corrects_period', 'month', empty),
  ],
} as const satisfies Readonly<Record<ReportKind, readonly ReportColumn[]>>;

/**
 * The columns of every file, in order. Columns are only ever added at the end, and each addition is a new layout. A
 * closed month keeps the layout that it was closed with, and its manifest names it. docs/files.md describes each
 * column.
 */
export const reportColumns: {
  readonly [Kind in ReportKind]: readonly (ReportColumn & { readonly header: HeaderOf<Kind> })[];
} = columns;

/** The headers of a file. Writers map each header to a value, so a missing one is a type error. */
export type HeaderOf<Kind extends ReportKind> = (typeof columns)[Kind][number]['header'];

/** The layout of months that are written now. A manifest without a layout has the first one. */
export const presentLayout = 3;

/** The columns of a file in a given layout, in order. */
export const columnsOf = <Kind extends ReportKind>(
  kind: Kind,
  layout: number,
): readonly (ReportColumn & { readonly header: HeaderOf<Kind> })[] =>
  reportColumns[kind].filter(({ since }) => since <= layout);
