import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { freePort } from '../support/redis-servers.ts';
import { ask, deliver, eventOf, secret, sha256, tokens, tokenSetting } from '../http/support.ts';
import { atEnd, waitFor } from '../support/books.ts';
import { createCliEnvironment, listeningPort, runCli, startCli } from '../support/cli.ts';
import { withSimulator } from '../support/simulator.ts';

const setting = { HTTP_PORT: '0', HTTP_TOKENS: tokenSetting, WEBHOOK_SECRET: secret };

/** Starts `serve` and waits until it listens. */
async function startServe(args: readonly string[], environment: Record<string, string>) {
  const child = startCli(['serve', ...args], environment);
  const port = await listeningPort(child);
  return { child, port, ask: (path: string, init = {}) => ask(port, path, init) };
}

describe('serve', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    '--with-workers does what is delivered, and ends orderly on %s',
    async (signal) => {
      const { simulator, vendor } = await withSimulator();
      const environment = await createCliEnvironment({ ...vendor, ...setting });
      const { child, ...service } = await startServe(['--with-workers'], environment);
      const canary = 'CANARY-Jansen';
      for (const { transactionId, resultId } of simulator.transactions)
        await deliver(service, { ...eventOf(transactionId, resultId), name: canary });
      await deliver(service, `{"name":"${canary}`);
      await service.ask(`/nowhere/${canary}?token=${tokens.operator}`, { headers: { cookie: `x=${canary}` } });
      await waitFor('all settled', async () => {
        const { text } = await service.ask('/metrics', { headers: { authorization: `Bearer ${tokens.metrics}` } });
        return text.includes('idscan_obligations{kind="result",state="done"} 20');
      });
      child.kill(signal);
      const { code, stderr } = await child.result;
      expect(code, stderr).toBe(0);
      const lines = stderr
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(lines.filter(({ msg }) => msg === 'answered').length).toBeGreaterThan(20);
      expect(lines.find(({ route }) => route === '/webhooks/id-scan')).toMatchObject({
        method: 'POST',
        status: 204,
        requestId: expect.stringMatching(/^[\da-f-]{36}$/) as string,
        durationMs: expect.any(Number) as number,
      });
      for (const unwanted of [canary, secret, ...Object.values(tokens), '127.0.0.1', 'downloads/', 'Bearer'])
        expect(stderr.replace(/^.*Server listening.*$/m, ''), unwanted).not.toContain(unwanted);
    },
  );

  test('lists all mistakes at once, without values, and exits 2', async () => {
    const environment = await createCliEnvironment({
      HTTP_PORT: '70000',
      HTTP_PUBLIC_URL: 'http://example.com',
      HTTP_TRUSTED_PROXIES: '10.0.0.0/8,S3CR3T',
      HTTP_TOKENS: `finance:${sha256('x')},S3CR3T:abc,operator:short`,
      HTTP_SESSION_KEY: 'S3CR3T',
      HTTP_SESSION_MINUTES: '1',
      WEBHOOK_SECRET: 'S3CR3T',
      WEBHOOK_SECRET_HEADER: 'authorization',
      OIDC_JWKS_URL: 'ftp://S3CR3T',
      LOG_LEVEL: 'loud',
    });
    const { code, stderr } = await runCli(['serve', '--with-workers'], environment);
    expect(code).toBe(2);
    const named = [...stderr.matchAll(/^ {2}- (\w+)/gm)].map(([, name]) => name);
    expect(named.sort()).toEqual(
      [
        'HTTP_PORT',
        'HTTP_PUBLIC_URL',
        'HTTP_TRUSTED_PROXIES',
        'HTTP_TOKENS',
        'HTTP_TOKENS',
        'HTTP_SESSION_KEY',
        'HTTP_SESSION_MINUTES',
        'WEBHOOK_SECRET',
        'WEBHOOK_SECRET_HEADER',
        'OIDC_JWKS_URL',
        'LOG_LEVEL',
        'IDSCAN_KEY_ID',
        'IDSCAN_KEY_SECRET',
      ].sort(),
    );
    expect(stderr).not.toContain('S3CR3T');
  });

  test('says that its address is taken, and exits 1', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    atEnd(() => Promise.resolve(taken.close()));
    const port = String((taken.address() as AddressInfo).port);
    const environment = await createCliEnvironment({ ...setting, HTTP_PORT: port });
    const { code, stderr } = await runCli(['serve'], environment);
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('(address_unavailable)') as string,
    });
  });
});

describe('a lone worker', () => {
  test('shows its own figures on METRICS_PORT', async () => {
    const { simulator, vendor } = await withSimulator();
    const port = await freePort();
    const environment = await createCliEnvironment({ ...vendor, METRICS_PORT: String(port) });
    await runCli(['enqueue', '-'], environment, simulator.idsCsv());
    const worker = startCli(['worker'], environment);
    const text = await waitFor('figures', async () => {
      const answer = await ask(port, '/metrics', {}).catch(() => undefined);
      const requests = Number(/status_class="2xx"\} (\d+)/.exec(answer?.text ?? '')?.[1] ?? 0);
      return requests >= 40 && answer?.text;
    });
    expect(text).toContain('idscan_vendor_request_duration_seconds_bucket');
    expect(text).not.toContain('idscan_obligations');
    expect((await ask(port, '/', {})).status).toBe(404);
    expect((await ask(port, '/metrics', { method: 'POST' })).status).toBe(405);
    worker.kill('SIGTERM');
    expect((await worker.result).code).toBe(0);
  });
});

describe('webhooks register', () => {
  /** A vendor that answers as told, and what it was asked. */
  async function vendorThat(status: number, body: string) {
    const asked: { method?: string; url?: string; headers: NodeJS.Dict<string | string[]>; body: unknown }[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => {
          const { method = '', url = '', headers } = request;
          asked.push({ method, url, headers, body: JSON.parse(Buffer.concat(chunks).toString()) });
          response.writeHead(status, { 'content-type': 'application/json' }).end(body);
        });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    atEnd(() => Promise.resolve(server.close()));
    const environment = await createCliEnvironment({
      IDSCAN_BASE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/id-scan/v1`,
      IDSCAN_KEY_ID: 'key',
      IDSCAN_KEY_SECRET: 'a secret that is long enough for HS256',
      WEBHOOK_SECRET: secret,
    });
    return { asked, environment };
  }
  const url = 'https://idscan.example.com/webhooks/id-scan';

  test('creates the subscription with the secret header, which it does not print', async () => {
    const { asked, environment } = await vendorThat(201, '{"id":"wh-1","more":[1]}');
    const { code, stdout, stderr } = await runCli(['webhooks', 'register', '--url', url], environment);
    expect(code, stderr).toBe(0);
    expect(stdout).toBe(`Registered as wh-1: transaction.state.updated, task.state.updated to ${url}\n`);
    expect(stdout + stderr).not.toContain(secret);
    expect(asked).toMatchObject([
      {
        method: 'POST',
        url: '/id-scan/v1/webhooks',
        headers: { 'content-type': 'application/json', authorization: expect.stringMatching(/^Bearer ey/) as string },
        body: {
          url,
          events: ['transaction.state.updated', 'task.state.updated'],
          headers: { 'x-idscan-ledger-secret': secret },
        },
      },
    ]);
  });

  test.each([
    [200, ''],
    [202, 'not JSON'],
    [200, '[]'],
    [201, '{"id":{}}'],
  ])('tolerates the unknown: %i with %j', async (status, body) => {
    const { environment } = await vendorThat(status, body);
    const args = ['webhooks', 'register', '--url', url, '--events', 'transaction.state.updated'];
    expect(await runCli(args, environment)).toMatchObject({
      code: 0,
      stdout: `Registered: transaction.state.updated to ${url}\n`,
    });
  });

  test('fails where the vendor refuses, and asks once', async () => {
    const { asked, environment } = await vendorThat(422, '{"status":422,"message":"url not reachable"}');
    const { code, stderr } = await runCli(['webhooks', 'register', '--url', url], environment);
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('(vendor_rejected)') as string });
    expect(stderr).not.toContain('It may have been registered');
    expect(asked).toHaveLength(1);
  });

  test('says that it may have happened all the same where it cannot know', async () => {
    const { asked, environment } = await vendorThat(503, '{"status":503,"message":"try again"}');
    const { code, stderr } = await runCli(['webhooks', 'register', '--url', url], environment);
    expect(code).toBe(1);
    expect(stderr).toContain('(vendor_unavailable)');
    expect(stderr).toContain('It may have been registered all the same. Twice does no harm: an event counts once.');
    expect(asked).toHaveLength(1);
  });

  test.each([[['--url', 'http://example.com/x']], [['--url', 'https://u:p@example.com/']], [['--url', 'x']], [[]]])(
    'refuses %j with exit 2',
    async (args) => {
      const { asked, environment } = await vendorThat(201, '{}');
      expect((await runCli(['webhooks', 'register', ...args], environment)).code).toBe(2);
      expect(asked).toEqual([]);
    },
  );
});
