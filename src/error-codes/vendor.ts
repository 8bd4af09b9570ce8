import type { ErrorEntry } from './entry.ts';

/** The vendor, what it hands out, and its invoice. */
export const vendorErrors = {
  // the vendor
  vendor_unreachable: {
    job: 'retry',
    exit: 1,
    http: [502, 'The vendor cannot be reached'],
    isOutage: true,
    hint: 'network, `IDSCAN_BASE_URL`, `HTTPS_PROXY`',
  },
  vendor_timeout: { job: 'retry', exit: 1, isOutage: true, hint: 'wait; reprocess' },
  vendor_unauthorized: {
    job: 'never',
    exit: 1,
    http: [502, 'The vendor does not accept the key'],
    hint: 'key, secret, clock',
  },
  vendor_forbidden: {
    job: 'never',
    exit: 1,
    http: [502, 'The vendor does not allow it'],
    hint: 'ask the vendor what the key may read',
  },
  vendor_not_found: {
    job: 'never',
    exit: 1,
    http: [502, 'The vendor does not know it'],
    hint: 'is the ID of this account? Mistyped? Then withdraw it',
  },
  vendor_gone: {
    job: 'never',
    exit: 1,
    http: [502, 'The vendor has deleted it'],
    hint: 'the vendor has deleted it',
  },
  vendor_rate_limited: {
    job: 'later',
    exit: 1,
    http: [503, 'The vendor asks for a pause'],
    hint: 'set `IDSCAN_RATE_LIMIT` if it goes on',
  },
  vendor_rejected: {
    job: 'never',
    exit: 1,
    http: [502, 'The vendor refused it'],
    hint: 'read `vendorMessage` in the log; commands print it',
  },
  vendor_unavailable: { job: 'retry', exit: 1, isOutage: true, hint: 'wait; reprocess' },
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
  creation_unanswered: {
    job: 'never',
    exit: 1,
    http: [504, 'What came of it is not known'],
    hint: 'the transaction may exist: `status` lists it, `transactions resolve` ends that',
  },
  creation_under_way: {
    job: 'later',
    exit: 1,
    http: [409, 'It is being created'],
    hint: 'repeat it with the same key, as `Retry-After` says',
  },
  creation_without_address: {
    job: 'never',
    exit: 1,
    http: [502, 'The vendor gave no address'],
    hint: 'it is in the books; create another one. Again? The API may have changed: report it',
  },
  creation_expired: { job: 'never', exit: 1, http: [410, 'The address has expired'], hint: 'create another one' },
  creation_resolved: {
    job: 'never',
    exit: 1,
    http: [410, 'Somebody has looked after it'],
    hint: 'create another one, with another key',
  },
  idempotency_key_reused: {
    job: 'never',
    exit: 1,
    http: [422, 'The key was used for another request'],
    hint: 'a new key for each transaction',
  },
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
} as const satisfies Readonly<Record<string, ErrorEntry>>;
