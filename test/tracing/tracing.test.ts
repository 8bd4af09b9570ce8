import { describe, expect, test } from 'vitest';
import { createCliEnvironment, runCli } from '../support/cli.ts';
import { waitFor } from '../support/books.ts';
import { type Received, startReceiver } from '../support/receivers.ts';
import { withSimulator } from '../support/simulator.ts';
import { bearer, deliver, eventOf, registered, secret, startService, tokens } from '../http/support.ts';

type Span = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: readonly { key: string; value: Record<string, unknown> }[];
  readonly status: { code?: number };
};

/** The spans that a collector was sent as OTLP in JSON. */
function spansOf(received: readonly Received[]): Span[] {
  type Export = { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
  return received
    .filter(({ path }) => path === '/v1/traces')
    .flatMap(({ body }) => (JSON.parse(body) as Export).resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}

const attribute = ({ attributes }: Span, name: string): unknown =>
  Object.values(attributes.find(({ key }) => key === name)?.value ?? {})[0];

describe('traces', () => {
  test('follow an event through queue and workers to the vendor, and say nothing secret', async () => {
    const collector = await startReceiver();
    const { simulator, vendor } = await withSimulator({
      transactions: 8,
      faults: { share: 0.3, kinds: ['unavailable'] },
    });
    const { IDSCAN_KEY_ID: keyId, IDSCAN_KEY_SECRET: keySecret, ...environment } = vendor;
    const service = await startService(
      { ...environment, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SERVICE_NAME: 'books' },
      { workersKey: { keyId, keySecret } },
    );
    for (const { transactionId, resultId } of simulator.transactions)
      await deliver(service, eventOf(transactionId, resultId));
    await service.ask('/reports/2026-10?token=in-a-query', { headers: bearer(tokens.finance) });
    await service.ask('/an-unknown-path/with-an-id');
    await waitFor('all to be done', async () => (await registered(service)).every(({ state }) => state === 'done'));
    const spans = await waitFor('the spans', () => {
      const found = spansOf(collector.received);
      const names = new Set(found.map(({ name }) => name));
      const expected = ['vendor file', 'vendor result', 'process files', 'GET none', 'GET /reports/:period'];
      return expected.every((name) => names.has(name)) && found;
    });
    const named = (name: string) => spans.filter((span) => span.name === name);
    const posts = new Map(named('POST /webhooks/id-scan').map((span) => [span.traceId, span]));
    expect(posts.size).toBe(8);
    const statuses = [...posts.values()].map((span) => Number(attribute(span, 'http.response.status_code')));
    expect(new Set(statuses)).toEqual(new Set([204]));
    // The job that an event asked for, and its calls, are part of the event's trace.
    const jobs = named('process results').filter(({ traceId }) => posts.has(traceId));
    expect(jobs.length).toBeGreaterThanOrEqual(8);
    const jobIds = new Set(jobs.map(({ spanId }) => spanId));
    expect(named('vendor transaction').some(({ parentSpanId }) => jobIds.has(parentSpanId ?? ''))).toBe(true);
    const failed = spans.filter((span) => attribute(span, 'error.type') !== undefined);
    expect(new Set(failed.map((span) => attribute(span, 'error.type')))).toContain('vendor_unavailable');
    const text = collector.received.map(({ body }) => body).join('\n');
    expect(text).toContain('"books"');
    const secrets = [secret, keySecret, keyId, ...Object.values(tokens), 'Bearer', 'in-a-query', 'an-unknown-path'];
    for (const one of secrets) expect(text).not.toContain(one);
    expect(text).not.toMatch(/downloads?\/|https?:\/\/|postgres:|redis:|stacktrace|127\.0\.0\.1/);
  });

  test.each(['there', 'down', 'silent', 'refusing'] as const)(
    'leave at the orderly end of a command; a collector that is %s keeps nobody',
    { timeout: 120_000 },
    async (state) => {
      const collector = await startReceiver();
      if (state === 'silent') collector.answer('silent');
      if (state === 'refusing') collector.answer(401);
      const { simulator, vendor } = await withSimulator({ transactions: 3 });
      const environment = await createCliEnvironment({
        ...vendor,
        OTEL_EXPORTER_OTLP_ENDPOINT: state === 'down' ? 'http://127.0.0.1:9' : collector.url,
        OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-key=the-collectors-key',
        LOG_LEVEL: 'warn',
      });
      await runCli(['enqueue', '-'], environment, simulator.idsCsv());
      const { code, stderr } = await runCli(['worker', '--until-idle'], environment);
      expect(code, stderr).toBe(0);
      expect(stderr).not.toContain('the-collectors-key');
      if (state === 'there') {
        expect(spansOf(collector.received).map(({ name }) => name)).toContain('process results');
        expect(collector.received[0]?.headers).toMatchObject({ 'x-collector-key': 'the-collectors-key' });
      } else expect(stderr).toContain('tracing_failed');
    },
  );

  test('are not even loaded where no collector is configured, nor is what sends mail', async () => {
    const hook = `import { registerHooks } from 'node:module';
      registerHooks({ resolve: (name, context, next) => {
        const found = next(name, context);
        process.stderr.write('loaded ' + found.url + '\\n');
        return found;
      } });`;
    const { vendor } = await withSimulator({ transactions: 1 });
    const environment = await createCliEnvironment({
      ...vendor,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}`,
    });
    const { code, stderr } = await runCli(['worker', '--until-idle'], environment);
    expect(code, stderr).toBe(0);
    const loaded = stderr.split('\n').filter((line) => line.startsWith('loaded '));
    expect(loaded.some((line) => line.includes('/bullmq/'))).toBe(true);
    // The API without an SDK does nothing, and comes with the metrics.
    const needless = /@opentelemetry\/(?!api\/)|bullmq-otel|nodemailer/;
    expect(loaded.filter((line) => needless.test(line))).toEqual([]);
  });
});
