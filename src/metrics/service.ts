import { Counter, Histogram, type Registry } from 'prom-client';
import { statusClass } from './work.ts';

/** What the HTTP service counts. */
export type ServiceMeter = {
  /** @param route the pattern, never the requested path, which may contain IDs or anything else. */
  readonly answered: (method: string, route: string, status: number, durationMs: number) => void;
  readonly event: (outcome: string) => void;
  readonly signIn: (outcome: 'token' | 'oidc' | 'refused') => void;
  /**
   * @param outcome what came of a page's report, or the code of the error with which it was refused.
   * @param ignored messages that the page has ignored since its last report.
   */
  readonly browserReport: (outcome: string, ignored: number) => void;
};

const reportOutcomes = [
  'accepted',
  'already_known',
  'conflict',
  'noted',
  'repeated',
  'browser_origin_refused',
  'browser_token_invalid',
  'browser_token_expired',
  'browser_token_used',
  'browser_transaction_foreign',
];

/** Adds the service's counters to a registry. */
export function createServiceMeter(registry: Registry): ServiceMeter {
  const registers = [registry];
  const requests = new Counter({
    name: 'idscan_http_requests_total',
    help: 'Requests answered, by route and status class.',
    labelNames: ['method', 'route', 'status_class'],
    registers,
  });
  const duration = new Histogram({
    name: 'idscan_http_request_duration_seconds',
    help: 'Time from a request’s headers to the end of its answer.',
    labelNames: ['route'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const events = new Counter({
    name: 'idscan_webhook_events_total',
    help: 'Events of the vendor that were committed, by what came of them; repeated = delivered before.',
    labelNames: ['outcome'],
    registers,
  });
  const signIns = new Counter({
    name: 'idscan_sign_ins_total',
    help: 'Sign-ins of browsers: by token, by the identity provider, refused.',
    labelNames: ['outcome'],
    registers,
  });
  const reports = new Counter({
    name: 'idscan_browser_reports_total',
    help: 'Reports of pages that show a transaction, by what came of them or the error code.',
    labelNames: ['outcome'],
    registers,
  });
  const ignoredMessages = new Counter({
    name: 'idscan_browser_ignored_messages_total',
    help: 'Messages that such pages ignored, as they say: of other origins, of another form, or too many.',
    registers,
  });
  // Counters start at 0: an alert misses the first increase of a series that did not exist before.
  for (const route of ['/webhooks/id-scan', '/api/results'])
    for (const status_class of ['2xx', '4xx', '5xx']) requests.inc({ method: 'POST', route, status_class }, 0);
  for (const outcome of ['accepted', 'already_known', 'conflict', 'noted', 'repeated']) events.inc({ outcome }, 0);
  for (const outcome of ['token', 'oidc', 'refused']) signIns.inc({ outcome }, 0);
  for (const outcome of reportOutcomes) reports.inc({ outcome }, 0);
  return {
    answered: (method, route, status, durationMs) => {
      requests.inc({ method, route, status_class: statusClass(status) });
      duration.observe({ route }, durationMs / 1_000);
    },
    event: (outcome) => events.inc({ outcome }),
    signIn: (outcome) => signIns.inc({ outcome }),
    browserReport: (outcome, ignored) => {
      reports.inc({ outcome });
      ignoredMessages.inc(ignored);
    },
  };
}
