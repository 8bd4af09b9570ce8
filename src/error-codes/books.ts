import type { ErrorEntry } from './entry.ts';

/** The books, and what stands in the way. */
export const bookErrors = {
  // the books
  report_unbalanced: { job: 'never', exit: 1, hint: 'report it: a fault of the program' },
  reconciliation_unbalanced: {
    job: 'never',
    exit: 1,
    http: [500, 'It does not add up'],
    hint: 'report it: a fault of the program',
  },
  invoice_missing: { job: 'never', exit: 2, http: [409, 'No invoice yet'], hint: 'give it with `--invoice`' },
  reconciliation_missing: { job: 'never', exit: 3, http: [409, 'Not reconciled'], hint: '`reconcile` the month first' },
  reconciliation_changed: { job: 'never', exit: 3, http: [409, 'Out of date'], hint: '`reconcile` the month again' },
  nothing_disputed: {
    job: 'never',
    exit: 3,
    http: [409, 'Nothing is disputed'],
    hint: 'decide what is to be disputed: `reconcile --decide`',
  },
  prices_missing: { job: 'never', exit: 3, http: [409, 'No prices'], hint: 'set `PRICES_FILE`' },
  currency_differs: {
    job: 'never',
    exit: 3,
    http: [422, 'Another currency'],
    hint: 'is it the invoice of this account?',
  },
  account_differs: {
    job: 'never',
    exit: 3,
    http: [422, 'Another account'],
    hint: 'give the invoice of this account, or correct the layout',
  },
  period_differs: {
    job: 'never',
    exit: 3,
    http: [422, 'Another month'],
    hint: 'give it for the month that it is of',
  },
  invoice_elsewhere: {
    job: 'never',
    exit: 3,
    http: [422, 'Kept for another month'],
    hint: 'give the invoice of this month, correct the layout, or withdraw that one',
  },
  report_busy: { job: 'later', exit: 3, http: [503, 'The report is busy'], hint: 'wait, run it again' },
  close_busy: {
    job: 'later',
    exit: 3,
    hint: 'wait; perhaps it closed this one. Else end the transaction that the message speaks of',
  },
  period_not_ended: { job: 'never', exit: 3, http: [409, 'The month is not over'], hint: 'close it when it has ended' },
  period_closed: { job: 'never', exit: 3, hint: 'nothing; late changes are in the next month' },
  period_out_of_order: { job: 'never', exit: 3, hint: 'close the month that the message names first' },
  currency_changed: { job: 'never', exit: 3, http: [409, 'Another currency'], hint: 'one currency per database' },
  billing_time_zone_changed: {
    job: 'never',
    exit: 2,
    http: [409, 'The time zone has changed'],
    hint: 'set it back; where the data changed, use the version of Node that the month was closed with',
  },
  reference_changed: {
    job: 'never',
    exit: 2,
    http: [409, 'Rules or prices changed'],
    hint: 'restore it, and name the new one differently',
  },
  closed_month_differs: {
    job: 'never',
    exit: 3,
    http: [409, 'Closed books were changed'],
    hint: 'somebody changed closed rows: restore them from a backup',
  },
  transaction_unknown: {
    job: 'never',
    exit: 1,
    http: [404, 'Not in the books'],
    hint: 'is the ID mistyped, or was it never enqueued? `DATABASE_URL`?',
  },
  report_changed: { job: 'later', exit: 3, http: [503, 'The file is not as it was published'], hint: 'run it again' },
  verification_failed: {
    job: 'never',
    exit: 1,
    hint: 'book nothing from it; write a provisional month again; fetch the folder of a closed one again from where it was written',
  },
  verification_impossible: { job: 'never', exit: 3, hint: "give the month's folder; use the version that wrote it" },
  blocked: { job: 'never', exit: 3, hint: 'the message lists what stands in the way' },
  interrupted: { job: 'later', exit: 1, hint: 'nothing' },
  internal: { job: 'retry', exit: 1, hint: 'report it, with the log line' },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
