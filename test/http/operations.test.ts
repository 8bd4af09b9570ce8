import { sql } from 'kysely';
import { describe, expect, inject, test } from 'vitest';
import { migrateDown } from '../../src/db/migrate.ts';
import { startTcpProxy } from '../chaos/tcp-proxy.ts';
import { asOwner, atEnd, createTestDatabase, openTestDatabase, waitFor } from '../support/books.ts';
import { asRole } from '../support/roles.ts';
import { withSimulator } from '../support/simulator.ts';
import { bearer, deliver, eventOf, problem, startService, type TestService, tokens } from './support.ts';

const asOperator = { headers: bearer(tokens.operator) };
const ready = (service: TestService, path = '/readyz') => service.ask(path, asOperator);
const figuresOf = async (service: TestService) =>
  (await service.ask('/metrics', { headers: bearer(tokens.metrics) })).text;

/** A service with a proxy before each of its servers. */
async function behindProxies() {
  const proxies = {
    redis: await startTcpProxy(inject('redisUrl')),
    postgres: await startTcpProxy(await createTestDatabase()),
  };
  for (const { close } of Object.values(proxies)) atEnd(close);
  const service = await startService({ REDIS_URL: proxies.redis.url, DATABASE_URL: proxies.postgres.url });
  return { service, ...proxies };
}

describe('/readyz', () => {
  test('says which one fails: Redis, Postgres, or both, refusing or silent', async () => {
    const { service, redis, postgres } = await behindProxies();
    await waitFor('ready', async () => (await ready(service)).status === 200);
    expect(JSON.parse((await ready(service)).text)).toEqual({
      status: 'ready',
      checks: { postgres: 'ok', migrations: 'ok', redis: 'ok' },
    });
    for (const mode of ['refuse', 'black-hole'] as const) {
      await redis.set(mode);
      // What was found is told for a second.
      const noRedis = await waitFor('Redis to be missed', async () => {
        const answer = await ready(service);
        return answer.status === 503 && answer;
      });
      expect(problem(noRedis)).toMatchObject({
        status: 503,
        code: 'service_unavailable',
        detail: expect.stringMatching(/^Not ready: redis\. Redis does not answer/) as string,
        checks: { postgres: 'ok', migrations: 'ok', redis: 'failed' },
      });
      expect(noRedis.headers['retry-after']).toBe('5');
      expect((await ready(service, '/readyz?without=redis')).status).toBe(200);
      await postgres.set(mode);
      expect(problem(await ready(service))).toMatchObject({
        checks: { postgres: 'failed', migrations: 'failed', redis: 'failed' },
      });
      await redis.set('forward');
      await waitFor('redis', async () => {
        const { checks } = problem(await ready(service)) as unknown as { checks: Record<string, string> };
        return checks['redis'] === 'ok' && checks['postgres'] === 'failed';
      });
      expect((await service.ask('/healthz')).status).toBe(200);
      await postgres.set('forward');
      await waitFor('ready again', async () => (await ready(service)).status === 200, 60_000);
    }
  });

  test('fails for want of a migration', async () => {
    const service = await startService();
    await migrateDown(await openTestDatabase(asOwner(service.environment['DATABASE_URL'])));
    expect(problem(await ready(service))).toMatchObject({
      status: 503,
      checks: { postgres: 'ok', migrations: 'failed', redis: 'ok' },
    });
  });

  test('is open to everybody only where that is configured', async () => {
    const service = await startService({ HTTP_READYZ_OPEN: 'true' });
    expect((await service.ask('/readyz')).status).toBe(200);
  });
});

describe('/metrics', () => {
  test('has every figure, also before there is anything to count', async () => {
    const service = await startService();
    const text = await figuresOf(service);
    const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
    expect(names.filter((name) => name.startsWith('idscan_')).sort()).toEqual([
      'idscan_attempts_month_to_date gauge',
      'idscan_books_readable gauge',
      'idscan_browser_ignored_messages_total counter',
      'idscan_browser_reports_total counter',
      'idscan_counter_mismatches gauge',
      'idscan_disputed_amount gauge',
      'idscan_erasures gauge',
      'idscan_files gauge',
      'idscan_files_in_clear gauge',
      'idscan_http_request_duration_seconds histogram',
      'idscan_http_requests_total counter',
      'idscan_missing_result_ids gauge',
      'idscan_notifications_total counter',
      'idscan_obligations gauge',
      'idscan_oldest_due_age_seconds gauge',
      'idscan_oldest_open_finding_age_seconds gauge',
      'idscan_open_findings gauge',
      'idscan_overdue_erasure_seconds gauge',
      'idscan_possibly_created gauge',
      'idscan_postgres_usable gauge',
      'idscan_redis_usable gauge',
      'idscan_report_age_seconds gauge',
      'idscan_retention_age_seconds gauge',
      'idscan_retention_destroyed_files gauge',
      'idscan_retention_left gauge',
      'idscan_retries_total counter',
      'idscan_sign_ins_total counter',
      'idscan_sweep_recoveries_total counter',
      'idscan_unclassified_attempts gauge',
      'idscan_vendor_pause_seconds_total counter',
      'idscan_vendor_pauses_total counter',
      'idscan_vendor_request_duration_seconds histogram',
      'idscan_vendor_requests_total counter',
      'idscan_webhook_events_total counter',
      'idscan_workers_alive gauge',
      'idscan_workers_without_store gauge',
    ]);
    for (const name of ['process_resident_memory_bytes gauge', 'nodejs_eventloop_lag_p99_seconds gauge'])
      expect(names).toContain(name);
    expect(names.filter((name) => !/^(idscan|process|nodejs)_/.test(name))).toEqual([]);
    expect(text).toContain('idscan_obligations{kind="result",state="failed"} 0');
    expect(text).toContain('idscan_files{kind="document",state="lost"} 0');
    expect(text).toContain('idscan_books_readable 1');
    expect(text).toContain('idscan_workers_alive 0');
    expect(text).toContain('idscan_postgres_usable 1');
    expect(text).toContain('idscan_http_requests_total{method="POST",route="/webhooks/id-scan",status_class="5xx"} 0');
    // Reading it must not add a second observer each time, nor a service that is started again.
    expect((await figuresOf(await startService())).match(/^# TYPE process_cpu_seconds_total /gm)).toHaveLength(1);
  });

  test.each(['refuse', 'black-hole'] as const)(
    'say which server cannot be used, and are there all the same (%s)',
    { timeout: 60_000 },
    async (mode) => {
      const { service, redis, postgres } = await behindProxies();
      await waitFor('both', async () => {
        const text = await figuresOf(service);
        return text.includes('idscan_redis_usable 1') && text.includes('idscan_postgres_usable 1');
      });
      await redis.set(mode);
      await waitFor('no Redis', async () => {
        const text = await figuresOf(service);
        return text.includes('idscan_redis_usable 0') && text.includes('idscan_postgres_usable 1');
      });
      await postgres.set(mode);
      await waitFor('no Postgres', async () => (await figuresOf(service)).includes('idscan_postgres_usable 0'));
      await redis.set('forward');
      await postgres.set('forward');
      await waitFor('both again', async () => {
        const text = await figuresOf(service);
        return text.includes('idscan_redis_usable 1') && text.includes('idscan_postgres_usable 1');
      });
    },
  );

  test('say that Postgres cannot be used where it takes no writes, as /readyz does', async () => {
    const databaseUrl = await createTestDatabase();
    const service = await startService({ DATABASE_URL: databaseUrl });
    const { kysely } = service.context.db;
    const name = new URL(databaseUrl).pathname.slice(1);
    await asRole(asOwner(databaseUrl), `alter database ${name} set default_transaction_read_only = on`);
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`.execute(kysely);
    await sql`set default_transaction_read_only = on`.execute(kysely);
    await waitFor('no writes', async () => (await figuresOf(service)).includes('idscan_postgres_usable 0'));
    expect(problem(await ready(service))).toMatchObject({ status: 503, checks: { postgres: 'failed' } });
  });

  test('names no path, ID or address of whoever asked', async () => {
    const service = await startService();
    await service.ask('/secret-path-of-a-scanner?token=x');
    await deliver(service, eventOf('an-id-of-a-transaction'));
    const text = await figuresOf(service);
    expect(text).toContain('idscan_http_requests_total{method="GET",route="none",status_class="4xx"} 1');
    expect(text).toContain('idscan_webhook_events_total{outcome="accepted"} 1');
    expect(text).toContain('idscan_obligations{kind="result",state="due"} 1');
    expect(text).not.toMatch(/scanner|an-id-of|127\.0\.0\.1/);
  });

  test('shows what workers beside it did, and what the books hold', async () => {
    const { simulator, vendor } = await withSimulator({ counterMismatchShare: 1, unknownCodeShare: 0.5 });
    const { IDSCAN_KEY_ID: keyId, IDSCAN_KEY_SECRET: keySecret, ...environment } = vendor;
    const service = await startService(environment, { workersKey: { keyId, keySecret } });
    for (const { transactionId, resultId } of simulator.transactions)
      expect((await deliver(service, eventOf(transactionId, resultId))).status).toBe(204);
    const figure = (text: string, name: string) =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${name} `))
          ?.split(' ')[1],
      );
    const text = await waitFor(
      'all to be done',
      async () => {
        const now = await figuresOf(service);
        return figure(now, 'idscan_obligations{kind="result",state="done"}') === simulator.transactions.length && now;
      },
      60_000,
    );
    expect(figure(text, 'idscan_vendor_requests_total{status_class="2xx"}')).toBeGreaterThan(20);
    expect(figure(text, 'idscan_vendor_request_duration_seconds_count')).toBeGreaterThan(20);
    expect(figure(text, 'idscan_unclassified_attempts')).toBeGreaterThan(0);
    expect(figure(text, 'idscan_counter_mismatches')).toBeGreaterThan(0);
    expect(figure(text, 'idscan_oldest_due_age_seconds{kind="result"}')).toBe(0);
    const month = { now: () => new Date('2026-10-31T12:00:00Z') };
    const { renderBookMetrics } = await import('../../src/metrics/books.ts');
    const october = await renderBookMetrics({ ...service.context, ...month });
    expect(october).toMatch(/idscan_attempts_month_to_date\{task_type="document_scan",outcome="invoiced"\} [1-9]/);
    const { rows } = await sql<{ count: number }>`select count(*)::int as count from attempts`.execute(
      service.context.db.kysely,
    );
    const sum = [...october.matchAll(/^idscan_attempts_month_to_date\S* (\d+)$/gm)].reduce(
      (all, [, n]) => all + Number(n),
      0,
    );
    expect(sum).toBe(rows[0]!.count);
  });

  test('still shows the process while Postgres is away', async () => {
    const { service, postgres } = await behindProxies();
    await postgres.set('refuse');
    const text = await figuresOf(service);
    expect(text).toContain('idscan_books_readable 0');
    expect(text).toContain('idscan_vendor_requests_total');
    expect(text).not.toContain('idscan_obligations');
  });
});
