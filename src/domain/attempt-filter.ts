import { isCalendarDate, isPeriod } from './billing-month.ts';

/**
 * What the attempts of a month are listed by: a value per name, as links write it. A count of attempts on a page has a
 * filter that selects just what was counted.
 */
export const filterNames = [
  'task',
  'level',
  'code',
  'invoiced',
  'counter',
  'day',
  'corrects',
  'finding',
  'price',
  'rules',
  'list',
  'only',
] as const;
export type FilterName = (typeof filterNames)[number];
export type AttemptFilter = Readonly<Partial<Record<FilterName, string>>>;

/** The value for what is not there: without a level, without a price. */
export const none = 'none';
/** The outcome code of a success, which has none. */
export const success = 'success';
/** Corrections of any closed month. */
export const any = 'any';

const text = {
  isValid: (value: string) => /^[^\p{Cc}\p{Cs}]{1,200}$/u.test(value),
  says: 'a name without line breaks',
};
const oneOf = (...words: readonly string[]) => ({
  isValid: (value: string) => words.includes(value),
  says: words.join(', '),
});

const filters: Readonly<Record<FilterName, { readonly isValid: (value: string) => boolean; readonly says: string }>> = {
  // The vendor may add types, and what it adds is listed too.
  task: { ...text, says: 'document_scan, face_liveness, face_match' },
  level: { ...text, says: 'a level, or none' },
  code: { ...text, says: 'an outcome code, or success' },
  invoiced: oneOf('true', 'false', 'unclassified'),
  // `stated`: the vendor counts at all.
  counter: oneOf('match', 'mismatch', 'absent', 'stated'),
  day: { isValid: (value) => isCalendarDate(value) && value.startsWith('2'), says: 'a day, YYYY-MM-DD' },
  corrects: {
    isValid: (value) => isPeriod(value) || value === none || value === any,
    says: 'a month YYYY-MM, none, or any',
  },
  finding: { isValid: (value) => /^[0-9a-f]{16}$/.test(value), says: 'the reference of a finding' },
  price: {
    isValid: (value) => value === none || /^\d{1,20}(\.\d{1,6})?$/.test(value),
    says: 'a unit price, or none',
  },
  rules: { ...text, says: 'the version of a rule table, or none' },
  list: { ...text, says: 'the version of a price list, or none' },
  only: oneOf('abandoned', 'unclassified', 'unpriced'),
};

export const isFilterValue = (name: FilterName, value: string): boolean => filters[name].isValid(value);

/** What a filter takes, in words. */
export const filterTakes = (name: FilterName): string => filters[name].says;

/** What the list can be sorted by. Each order is total. */
export const attemptSorts = ['attempted_at', 'transaction_id', 'amount', 'outcome_code'] as const;
export type AttemptSort = (typeof attemptSorts)[number];
export type AttemptOrder = { readonly by: AttemptSort; readonly isDescending: boolean };
