import type { ErrorEntry } from './entry.ts';

/** How the program was called or configured, requests to the service, and what it depends on for them. */
export const requestErrors = {
  // how the program was called or configured
  config_invalid: {
    job: 'never',
    exit: 2,
    http: [503, 'The service is set up wrongly'],
    hint: 'the message lists every mistake',
  },
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
  not_configured: {
    job: 'never',
    exit: 2,
    http: [501, 'This service is not set up for it'],
    hint: 'the message says which setting is missing',
  },
  // what a page of another site sends
  browser_origin_refused: {
    job: 'never',
    exit: 1,
    http: [403, 'Pages of this site may not report'],
    hint: '`BROWSER_ORIGINS`; create the transaction with the origin of the page that shows it',
  },
  browser_token_invalid: {
    job: 'never',
    exit: 1,
    http: [403, 'The token is not valid'],
    hint: 'give the page the token that came with the transaction; one `BROWSER_TOKEN_KEY` for all processes',
  },
  browser_token_expired: {
    job: 'never',
    exit: 1,
    http: [403, 'The token has expired'],
    hint: 'nothing; the result is found without the page. Often: `BROWSER_TOKEN_MINUTES`',
  },
  browser_token_used: {
    job: 'never',
    exit: 1,
    http: [409, 'The token has said another result'],
    hint: 'nothing; the first result is fetched. Often from one site: somebody tries tokens',
  },
  browser_transaction_foreign: {
    job: 'never',
    exit: 1,
    http: [403, 'The token is for another transaction'],
    hint: 'each iframe needs the token of its own transaction',
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
} as const satisfies Readonly<Record<string, ErrorEntry>>;
