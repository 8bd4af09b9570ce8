/**
 * Every failure this program knows by name. A code is stored, logged, counted and acted upon
 * (`src/workers/outcomes.ts`), so it never changes its meaning once released.
 */
export type ErrorCode =
  // how the program was called or set up
  | 'config_invalid'
  | 'usage_invalid'
  | 'data_file_invalid'
  | 'input_invalid'
  // a request to the service
  | 'request_invalid'
  | 'request_too_large'
  | 'media_type_refused'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'too_many_requests'
  | 'host_refused'
  // what the service stands on
  | 'address_unavailable'
  | 'identity_provider_unavailable'
  | 'notification_failed'
  | 'tracing_failed'
  // the vendor
  | 'vendor_unreachable'
  | 'vendor_timeout'
  | 'vendor_unauthorized'
  | 'vendor_forbidden'
  | 'vendor_not_found'
  | 'vendor_gone'
  | 'vendor_rate_limited'
  | 'vendor_rejected'
  | 'vendor_unavailable'
  | 'vendor_redirect_refused'
  | 'vendor_encoding_refused'
  | 'vendor_url_refused'
  | 'vendor_answer_too_large'
  | 'vendor_answer_truncated'
  | 'vendor_answer_invalid'
  | 'vendor_answer_mismatch'
  // files handed out by the vendor
  | 'file_empty'
  | 'file_type_refused'
  | 'file_truncated'
  // what the program stands on
  | 'database_unavailable'
  | 'database_outdated'
  | 'database_newer'
  | 'database_forbidden'
  | 'database_misconfigured'
  | 'replica_behind'
  | 'clock_skewed'
  | 'queue_unavailable'
  | 'queue_misconfigured'
  | 'storage_full'
  | 'storage_failed'
  | 'store_mismatch'
  | 'service_unavailable'
  | 'worker_died'
  // the books
  | 'report_unbalanced'
  | 'report_busy'
  | 'close_busy'
  | 'period_not_ended'
  | 'period_closed'
  | 'period_out_of_order'
  | 'currency_changed'
  | 'billing_time_zone_changed'
  | 'reference_changed'
  | 'closed_month_differs'
  | 'transaction_unknown'
  | 'report_changed'
  | 'verification_failed'
  | 'verification_impossible'
  | 'blocked'
  | 'interrupted'
  | 'internal';

export type ErrorFields = Readonly<Record<string, string | number | boolean | null>>;

/**
 * The one error class. `message` says what happened and to what; `hint` says what to do next.
 * Neither holds personal data, URLs handed out by the vendor, or secrets.
 *
 * @example
 * throw new LedgerError('vendor_not_found', 'The vendor knows no transaction 42.', { fields: { status: 404 } });
 */
export class LedgerError extends Error {
  readonly code: ErrorCode;
  readonly fields: ErrorFields;
  readonly hint: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { fields?: ErrorFields; hint?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'LedgerError';
    this.code = code;
    this.fields = Object.freeze({ ...options.fields });
    this.hint = options.hint;
  }
}

/** The code of any thrown value; what has none is a bug and counts as `internal`. */
export function errorCode(error: unknown): ErrorCode {
  return error instanceof LedgerError ? error.code : 'internal';
}
