/** The files of a report. */
export type ReportKind = 'detail' | 'summary' | 'codes' | 'discrepancies';

/**
 * What a cell holds. `text` comes from the vendor or an operator and is neutralised; `word` is one of ours. `signed`
 * counts and `amount`s may be negative, where a correction takes something back; `whole` numbers and a `price` never.
 */
export type CellType = 'month' | 'text' | 'word' | 'whole' | 'signed' | 'instant' | 'boolean' | 'price' | 'amount';

/** A column as readers of the files know it. */
export type KnownColumn = {
  readonly header: string;
  readonly type: CellType;
  readonly mayBeEmpty: boolean;
  /** The first layout that has it. */
  readonly since: number;
};

/**
 * Columns are only ever added, at the end, and each addition is a layout of its own. A closed month keeps the layout that
 * it was closed with; its manifest names it. Manifests from before layouts were named have the first one.
 */
export const presentLayout = 2;

/** The columns of a file in a layout, in order. */
export const columnsOf = (kind: ReportKind, layout: number): readonly KnownColumn[] =>
  knownColumns[kind].filter(({ since }) => since <= layout);

/** `name type`, with a question mark where a cell may be empty; `since 2` and so on for what was added. */
const known = (...columns: readonly string[]): KnownColumn[] =>
  columns.map((column) => {
    const [header = '', type = '', , since = '1'] = column.replace('?', '').split(' ');
    return { header, type: type as CellType, mayBeEmpty: column.includes('?'), since: Number(since) };
  });

/** The columns of every file, in order. Tests hold them against what writes the files. */
export const knownColumns: Readonly<Record<ReportKind, readonly KnownColumn[]>> = {
  detail: known(
    ...['period month', 'transaction_id text', 'result_id text?', 'task_type text', 'attempt whole'],
    ...['attempted_at instant', 'outcome_code text?', 'invoiced boolean?', 'reason word', 'level text?'],
    ...['capture_source text?', 'linked boolean?', 'transaction_state text', 'settled boolean', 'unit_price price?'],
    ...['amount amount?', 'currency word?', 'rule_table_version word?', 'price_list_version word?'],
    ...['is_correction boolean', 'corrects_period month?', 'vendor_attempts whole?'],
    ...['vendor_attempts_invoiced whole?', 'counter_status word', 'quantity signed', 'price_tier word?'],
    'reference text? since 2',
  ),
  summary: known(
    ...['period month', 'record_type word', 'task_type text?', 'level text?', 'attempts signed', 'invoiced signed'],
    ...['not_invoiced signed', 'unclassified signed', 'unit_price price?', 'amount amount?', 'currency word?'],
    ...['vendor_counter signed?', 'period_status word', 'rule_table_version word?', 'price_list_version word?'],
    ...['is_correction boolean?', 'corrects_period month?'],
  ),
  codes: known(
    ...['period month', 'task_type text', 'outcome_code text?', 'attempts signed', 'invoiced signed'],
    ...['amount amount?', 'currency word?', 'is_correction boolean', 'corrects_period month?'],
    ...['not_invoiced signed since 2', 'unclassified signed since 2'],
  ),
  discrepancies: known(
    ...['period month', 'transaction_id text', 'task_type text', 'reason word', 'own_quantity signed'],
    ...['vendor_quantity signed', 'difference signed', 'is_correction boolean', 'corrects_period month?'],
  ),
};
