import { Counter, Histogram, Registry } from 'prom-client';
import { obligationKinds } from '../db/schema.ts';
import type { Meter } from '../jobs/queue/meter.ts';

/** What one process has done since it started. */
export function createWorkMetrics(): { readonly registry: Registry; readonly meter: Meter } {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: 'idscan_vendor_requests_total',
    help: 'Requests to the vendor by status class; none = no answer began.',
    labelNames: ['status_class'],
    registers,
  });
  const duration = new Histogram({
    name: 'idscan_vendor_request_duration_seconds',
    help: 'Time from sending a request to the vendor until its answer begins or fails.',
    buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120],
    registers,
  });
  const retries = new Counter({
    name: 'idscan_retries_total',
    help: 'Work that failed and will be tried again, by kind and error code.',
    labelNames: ['kind', 'code'],
    registers,
  });
  const pauses = new Counter({
    name: 'idscan_vendor_pauses_total',
    help: 'Pauses of all calls to the vendor: after a 429 (rate_limited) or in an outage.',
    labelNames: ['cause'],
    registers,
  });
  const pauseSeconds = new Counter({
    name: 'idscan_vendor_pause_seconds_total',
    help: 'How long these pauses were asked to last.',
    labelNames: ['cause'],
    registers,
  });
  const swept = new Counter({
    name: 'idscan_sweep_recoveries_total',
    help: 'Work that was due in Postgres and in no queue, and was put back.',
    registers,
  });
  const notified = new Counter({
    name: 'idscan_notifications_total',
    help: 'Tries to deliver a notification, by channel and outcome.',
    labelNames: ['channel', 'outcome'],
    registers,
  });
  // Counters start at 0: without that, rate() misses the first increase.
  for (const status_class of ['2xx', '3xx', '4xx', '5xx', 'none']) requests.inc({ status_class }, 0);
  for (const cause of ['rate_limited', 'outage']) {
    pauses.inc({ cause }, 0);
    pauseSeconds.inc({ cause }, 0);
  }
  for (const kind of obligationKinds) retries.inc({ kind, code: 'vendor_unavailable' }, 0);
  for (const channel of ['webhook', 'smtp'])
    for (const outcome of ['delivered', 'failed']) notified.inc({ channel, outcome }, 0);
  const meter: Meter = {
    vendorRequest: (status, durationMs) => {
      requests.inc({ status_class: statusClass(status) });
      duration.observe(durationMs / 1_000);
    },
    retried: (kind, code) => retries.inc({ kind, code }),
    paused: (cause, durationMs) => {
      pauses.inc({ cause });
      pauseSeconds.inc({ cause }, durationMs / 1_000);
    },
    swept: (count) => swept.inc(count),
    notified: (channel, outcome) => notified.inc({ channel, outcome }),
  };
  return { registry, meter };
}

/** `2xx` and so on; `none` if there is no status. */
export const statusClass = (status: number | null): string =>
  status === null ? 'none' : `${Math.floor(status / 100)}xx`;
