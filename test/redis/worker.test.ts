import { expect, test } from 'vitest';
import { ask } from '../http/support.ts';
import { waitFor } from '../support/books.ts';
import { createCliEnvironment, runCli, startCli } from '../support/cli.ts';
import { freePort, startRedis } from '../support/redis-servers.ts';
import { withSimulator } from '../support/simulator.ts';

test('a running worker says when Redis may drop jobs, and when it refuses a command, until it can work again', async () => {
  const { simulator, vendor } = await withSimulator();
  const server = await startRedis();
  await server.admin.acl('SETUSER', 'worker', 'on', '>pw', '~*', '+@all');
  const port = await freePort();
  const environment = await createCliEnvironment({
    ...vendor,
    REDIS_URL: server.url.replace('//', '//worker:pw@'),
    METRICS_PORT: String(port),
  });
  const worker = startCli(['worker'], environment);
  let log = '';
  worker.stderr!.on('data', (chunk) => (log += String(chunk)));
  const isReady = async () => (await ask(port, '/readyz', {}).catch(() => undefined))?.status === 200;
  await waitFor('the worker', isReady);
  await server.admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
  await waitFor('the policy to be noticed', () => log.includes("Redis' maxmemory-policy is allkeys-lru"));
  await server.admin.config('SET', 'maxmemory-policy', 'noeviction');
  await server.admin.acl('SETUSER', 'worker', '-bzpopmin');
  await waitFor('readiness to fail', async () => !(await isReady()));
  await waitFor('the reason in the log', () => log.includes('its ACL does not let us run BZPOPMIN'));
  expect((await ask(port, '/metrics', {})).text).toContain('idscan_redis_usable 0');
  await runCli(['enqueue', '-'], { ...environment, LOG_LEVEL: 'silent' }, simulator.idsCsv());
  expect(log).not.toContain('redis takes commands again');
  await server.admin.acl('SETUSER', 'worker', '+bzpopmin');
  await waitFor('work to go on', async () => {
    const { stdout } = await runCli(['status', '--json'], environment);
    return (JSON.parse(stdout) as { transactions: { settled: number } }).transactions.settled === 20;
  });
  expect(log).toContain('redis takes commands again');
  expect(await isReady()).toBe(true);
  worker.kill('SIGTERM');
  expect((await worker.result).code).toBe(0);
});
