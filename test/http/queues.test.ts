import { describe, expect, inject, test } from 'vitest';
import { startTcpProxy } from '../chaos/tcp-proxy.ts';
import { atEnd } from '../support/books.ts';
import { bearer, problem, startService, tokens } from './support.ts';

const asOperator = { headers: bearer(tokens.operator) };

describe('/queues', () => {
  test('is Bull Board with its own scripts, and asks no other host', async () => {
    const service = await startService();
    const page = await service.ask('/queues', asOperator);
    expect(page.text).toContain('idscan-ledger');
    expect(page.text).not.toMatch(/(href|src)="(https?:)?\/\//);
    const policy = page.headers['content-security-policy']!;
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain('http');
    const assets = [...page.text.matchAll(/(?:src|href)="(static\/[^"]+)"/g)].map(([, path]) => path!);
    expect(assets.length).toBeGreaterThan(3);
    for (const asset of assets) expect((await service.ask(`/queues/${asset}`, asOperator)).status, asset).toBe(200);
    const { queues } = JSON.parse((await service.ask('/queues/api/queues', asOperator)).text) as {
      queues: { name: string }[];
    };
    expect(queues.map(({ name }) => name).sort()).toEqual(['files', 'reports', 'results']);
  });

  test.each([
    '/queues/static/..%2f..%2f..%2f..%2fpackage.json',
    '/queues/static/../../../package.json',
    '/queues/static/%2e%2e/%2e%2e/package.json',
    '/queues/static/....//package.json',
    '/queues/static/js/%00',
    '/queues/static//etc/passwd',
    '/queues/api/queues/none/x',
  ])('%s gives nothing away', async (path) => {
    const service = await startService();
    const answer = await service.ask(path, asOperator);
    expect(answer.status).toBeGreaterThanOrEqual(300);
    expect(answer.status).toBeLessThan(500);
    expect(answer.text).not.toMatch(/"dependencies"|root:|node_modules|\.js:\d/);
  });

  test('says so while Redis is away', async () => {
    const redis = await startTcpProxy(inject('redisUrl'));
    atEnd(redis.close);
    const service = await startService({ REDIS_URL: redis.url });
    await redis.set('refuse');
    const answer = await service.ask('/queues/api/queues', asOperator);
    expect(problem(answer)).toMatchObject({ status: 503, code: 'queue_unavailable' });
    expect((await service.ask('/queues', asOperator)).status).toBe(200);
  });
});
