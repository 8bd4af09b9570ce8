import type { ErrorCode } from '../errors.ts';

/**
 * What becomes of work that failed:
 * - `retry`: it may pass; tried again with backoff until the attempts are used up, then parked as failed.
 * - `later`: not the work's fault; tried again without using an attempt.
 * - `never`: it cannot pass; parked as failed at once.
 */
export type FailureOutcome = 'retry' | 'later' | 'never';

/** The one table of retries. Nothing is retried by accident. */
export const failureOutcomes: Record<ErrorCode, FailureOutcome> = {
  config_invalid: 'never',
  usage_invalid: 'never',
  data_file_invalid: 'never',
  input_invalid: 'never',
  vendor_unreachable: 'retry',
  vendor_timeout: 'retry',
  vendor_unauthorized: 'never',
  vendor_forbidden: 'never',
  vendor_not_found: 'never',
  vendor_gone: 'never',
  vendor_rate_limited: 'later',
  vendor_rejected: 'never',
  vendor_unavailable: 'retry',
  vendor_redirect_refused: 'never',
  vendor_encoding_refused: 'retry',
  vendor_url_refused: 'never',
  vendor_answer_too_large: 'never',
  vendor_answer_truncated: 'retry',
  vendor_answer_invalid: 'retry',
  vendor_answer_mismatch: 'retry',
  file_empty: 'retry',
  file_type_refused: 'retry',
  file_truncated: 'retry',
  database_unavailable: 'retry',
  database_outdated: 'never',
  clock_skewed: 'never',
  queue_unavailable: 'retry',
  queue_misconfigured: 'never',
  storage_full: 'retry',
  storage_failed: 'retry',
  service_unavailable: 'retry',
  worker_died: 'never',
  report_unbalanced: 'never',
  report_busy: 'later',
  blocked: 'never',
  interrupted: 'later',
  internal: 'retry',
};
