/**
 * What happens to a job that failed.
 * - `retry`: it may pass. It is tried again with backoff until its attempts are used up, then parked as failed.
 * - `later`: the failure is not the job's fault. It is tried again without using up an attempt.
 * - `never`: it cannot pass. It is parked as failed at once.
 */
type JobEnd = 'retry' | 'later' | 'never';

export type ErrorEntry = {
  readonly job: JobEnd;
  /** Exit code of a command: 1 failed, 2 usage or configuration, 3 refused because something blocks it. */
  readonly exit: 1 | 2 | 3;
  /** HTTP status and title. Without them the response is a 500 that names only `internal`. */
  readonly http?: readonly [status: number, title: string];
  /** What an operator does about it. */
  readonly hint: string;
};

const table = {
  // how the program was called or configured
  config_invalid: { job: 'never', exit: 2, hint: 'the message lists every mistake' },
  usage_invalid: { job: 'never', exit: 2, hint: '`--help`' },
  data_file_invalid: {
    job: 'never',
    exit: 2,
    http: [422, 'The file has mistakes'],
    hint: 'the message lists every mistake as `file:line: place: reason`',
  },
  input_invalid: { job: 'never', exit: 1, hint: 'correct the ID, or withdraw it' },
  // a request to the service
  request_invalid: {
    job: 'never',
    exit: 1,
    http: [400, 'The request cannot be read'],
    hint: '`detail` names the fields; send it again without the mistake',
  },
  request_too_large: { job: 'never', exit: 1, http: [413, 'The request is too large'], hint: 'send less at once' },
  media_type_refused: {
    job: 'never',
    exit: 1,
    http: [415, 'The request is of another type than expected'],
    hint: 'send the `Content-Type` that docs/service.md names',
  },
  unauthenticated: { job: 'never', exit: 1, http: [401, 'Not signed in'], hint: 'send a token, or sign in' },
  forbidden: {
    job: 'never',
    exit: 1,
    http: [403, 'Not allowed'],
    hint: 'ask for a token of the role that the route needs',
  },
  not_found: {
    job: 'never',
    exit: 1,
    http: [404, 'There is nothing here'],
    hint: 'compare the address with docs/service.md',
  },
  method_not_allowed: {
    job: 'never',
    exit: 1,
    http: [405, 'This cannot be done here'],
    hint: 'compare the method with docs/service.md',
  },
  too_many_requests: {
    job: 'later',
    exit: 1,
    http: [429, 'Too many attempts'],
    hint: 'wait as long as `Retry-After` says',
  },
  host_refused: {
    job: 'never',
    exit: 1,
    http: [421, 'This service does not answer to that name'],
    hint: '`HTTP_PUBLIC_URL`, `HTTP_ALLOWED_HOSTS`',
  },
  // what the service depends on
  address_unavailable: { job: 'never', exit: 1, hint: '`HTTP_HOST`, `HTTP_PORT`, `METRICS_PORT`' },
  identity_provider_unavailable: {
    job: 'retry',
    exit: 1,
    http: [503, 'The identity provider does not answer'],
    hint: '`OIDC_ISSUER`, the provider',
  },
  notification_failed: { job: 'retry', exit: 1, hint: '`NOTIFY_…`, the receiver: docs/service.md' },
  tracing_failed: { job: 'later', exit: 1, hint: '`OTEL_EXPORTER_OTLP_ENDPOINT`; nothing else is affected' },
  // the vendor
  vendor_unreachable: { job: 'retry', exit: 1, hint: 'network, `IDSCAN_BASE_URL`, `HTTPS_PROXY`' },
  vendor_timeout: { job: 'retry', exit: 1, hint: 'wait; reprocess' },
  vendor_unauthorized: { job: 'never', exit: 1, hint: 'key, secret, clock' },
  vendor_forbidden: { job: 'never', exit: 1, hint: 'ask the vendor what the key may read' },
  vendor_not_found: { job: 'never', exit: 1, hint: 'is the ID of this account? Mistyped? Then withdraw it' },
  vendor_gone: { job: 'never', exit: 1, hint: 'the vendor has deleted it' },
  vendor_rate_limited: { job: 'later', exit: 1, hint: 'set `IDSCAN_RATE_LIMIT` if it goes on' },
  vendor_rejected: { job: 'never', exit: 1, hint: 'read `vendorMessage` in the log' },
  vendor_unavailable: { job: 'retry', exit: 1, hint: 'wait; reprocess' },
  vendor_redirect_refused: { job: 'never', exit: 1, hint: '`IDSCAN_BASE_URL`' },
  vendor_encoding_refused: { job: 'retry', exit: 1, hint: 'a proxy in between?' },
  vendor_url_refused: { job: 'never', exit: 1, hint: 'compare `IDSCAN_BASE_URL` with what the vendor serves' },
  vendor_answer_too_large: { job: 'never', exit: 1, hint: 'a document is recorded as refused' },
  vendor_answer_truncated: { job: 'retry', exit: 1, hint: 'wait; reprocess' },
  vendor_answer_invalid: {
    job: 'retry',
    exit: 1,
    hint: 'the log names the field: the API may have changed. Report it',
  },
  vendor_answer_mismatch: { job: 'retry', exit: 1, hint: 'report it to the vendor' },
  // files handed out by the vendor
  file_empty: { job: 'retry', exit: 1, hint: "the vendor's file is broken: report it to the vendor" },
  file_type_refused: { job: 'retry', exit: 1, hint: 'the file is broken, or the path of audit reports is wrong' },
  file_truncated: { job: 'retry', exit: 1, hint: "the vendor's file is broken: report it to the vendor" },
  // the vendor's invoice
  invoice_unreadable: {
    job: 'never',
    exit: 2,
    http: [422, 'The invoice cannot be read'],
    hint: 'the message names file, line and reason: docs/vendor-invoices.md',
  },
  invoice_ambiguous: {
    job: 'never',
    exit: 2,
    http: [422, 'The invoice can be read in more than one way'],
    hint: 'the message names the value, and the key of the layout that settles it',
  },
  invoice_not_tied_out: {
    job: 'never',
    exit: 2,
    http: [422, 'The invoice does not add up'],
    hint: 'the message lists what does not add up; ask the vendor for a correct invoice',
  },
  usage_unreadable: {
    job: 'never',
    exit: 2,
    http: [422, 'The usage statement cannot be read'],
    hint: 'the message names file, line and reason: docs/vendor-invoices.md',
  },
  usage_ambiguous: {
    job: 'never',
    exit: 2,
    http: [422, 'The usage statement can be read in more than one way'],
    hint: 'the message names the value, and the key of the layout that settles it',
  },
  layout_mismatch: {
    job: 'never',
    exit: 2,
    http: [422, 'The layout does not fit the file'],
    hint: 'correct the layout; `reconcile --suggest-layout` prints one to start from',
  },
  // what the program depends on
  database_unavailable: {
    job: 'retry',
    exit: 1,
    http: [503, 'Postgres cannot do this now'],
    hint: 'the message says which; `DATABASE_URL`, the server, `pg_stat_activity`',
  },
  database_outdated: { job: 'never', exit: 3, hint: 'back up, `migrate up`' },
  database_newer: { job: 'never', exit: 3, hint: 'run the newer version, or restore the backup from before it' },
  database_forbidden: {
    job: 'retry',
    exit: 3,
    http: [503, 'Postgres does not let this service do it'],
    hint: '`ops/postgres-roles.sql`, after every migration; migrations run as the owner',
  },
  database_misconfigured: {
    job: 'retry',
    exit: 3,
    http: [503, 'Postgres cannot be used as it is'],
    hint: 'the message says which, and what to set',
  },
  replica_behind: {
    job: 'retry',
    exit: 1,
    http: [503, 'The read replica is too far behind'],
    hint: 'look at replication (`pg_stat_replication`), set `hot_standby_feedback`, or unset `DATABASE_READ_URL`',
  },
  clock_skewed: { job: 'never', exit: 3, hint: 'NTP on both' },
  queue_unavailable: { job: 'later', exit: 1, http: [503, 'Redis does not answer'], hint: '`REDIS_URL`, the server' },
  queue_misconfigured: { job: 'never', exit: 3, hint: 'the message says which, and what to set' },
  storage_full: { job: 'retry', exit: 1, http: [507, 'No room is left'], hint: 'make room' },
  storage_failed: { job: 'retry', exit: 1, http: [500, 'It cannot be stored'], hint: 'space, permissions' },
  storage_conflict: { job: 'retry', exit: 1, hint: 'is the store that of one set of books only?' },
  store_mismatch: {
    job: 'later',
    exit: 3,
    http: [503, 'The document store is not there'],
    hint: 'mount the shared folder',
  },
  document_damaged: {
    job: 'never',
    exit: 1,
    http: [409, 'The document is not as it was stored'],
    hint: '`documents verify --repair`',
  },
  document_closed: {
    job: 'never',
    exit: 3,
    http: [410, 'The documents are closed'],
    hint: 'cancel the erasure while nothing is destroyed yet, or nothing',
  },
  master_mismatch: { job: 'later', exit: 3, hint: 'the message names the keys in use: `DOCUMENTS_PUBLIC_KEYS`' },
  master_missing: {
    job: 'never',
    exit: 3,
    http: [503, 'Documents cannot be read here'],
    hint: '`DOCUMENTS_SECRET_KEY_FILE`, on the machines where somebody may read',
  },
  service_unavailable: {
    job: 'retry',
    exit: 1,
    http: [503, 'Not ready'],
    hint: 'which of Postgres, migrations and Redis failed?',
  },
  embedded_server_failed: { job: 'retry', exit: 1, hint: 'the message says what to install' },
  worker_died: { job: 'never', exit: 1, hint: 'memory? Look into the log before it, then reprocess' },
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

export type ErrorCode = keyof typeof table;

/**
 * Every failure that this program knows by name, and what follows from it. Codes are stored, logged, counted and acted
 * upon, so a released code never changes its meaning. docs/operations.md repeats the table for operators.
 */
export const errorTable: Readonly<Record<ErrorCode, ErrorEntry>> = table;

/** Whether a stored code is one that this version knows. */
export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(errorTable, text);
