import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { createTestFolder, waitFor } from '../support/books.ts';
import { runCli } from '../support/cli.ts';
import { freePort, startCluster, startRedis, startSentinels } from '../support/redis-servers.ts';
import { certificateFor } from '../id-scan/certificate.ts';
import { createWork, startWorker } from './redis-support.ts';
import { isFull } from './world.ts';

vi.setConfig({ testTimeout: 180_000 });

/** In the environment of a worker: requests are spaced, so that something is under way when a server fails. */
const spaced = { IDSCAN_RATE_LIMIT: '40' };

it('a batch run on a cluster ends when nothing is left', async () => {
  const nodes = await startCluster();
  const work = await createWork(`redis+cluster://127.0.0.1:${nodes[2]!.port}/`, 20);
  await work.enqueue(20);
  const { code, stderr, stdout } = await runCli(['worker', '--until-idle'], { ...work.environment, ...spaced });
  expect(stderr).not.toContain('"level":50');
  expect(stdout).toContain('0 failed');
  expect(code).toBe(0);
});

it('TLS with a certificate authority of its own is trusted, and without it refused', async () => {
  const folder = await createTestFolder();
  const { key, cert } = certificateFor('localhost');
  const [keyFile, certFile] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  await writeFile(keyFile, key);
  await writeFile(certFile, cert);
  const port = await freePort();
  await startRedis(
    [
      '--port',
      '0',
      '--tls-port',
      String(port),
      '--tls-cert-file',
      certFile,
      '--tls-key-file',
      keyFile,
      '--tls-auth-clients',
      'no',
    ],
    { port, admin: { tls: { ca: cert } } },
  );
  const url = `rediss://127.0.0.1:${port}/0`;
  const work = await createWork(`${url}?sslrootcert=${certFile}`, 5);
  await work.enqueue(5);
  const trusted = await runCli(['worker', '--until-idle'], work.environment);
  expect(trusted.stdout).toContain('0 failed');
  const refused = await runCli(['worker'], { ...work.environment, REDIS_URL: url });
  expect(refused.stderr).toContain('its TLS cannot be trusted');
  expect(refused.code).toBe(3);
  const missing = await runCli(['worker'], { ...work.environment, REDIS_URL: `${url}?sslrootcert=/nowhere.pem` });
  expect(missing.stderr).toContain('REDIS_URL names an sslrootcert that cannot be read');
  expect(missing.stderr).not.toContain('    at ');
  expect(missing.code).toBe(2);
});

/** In the short form the campaigns on Sentinels and a cluster show the same. */
const underLoad = () => {
  it('after a failover by Sentinels under load everything is done', async () => {
    const master = await startRedis();
    const replica = await startRedis(['--replicaof', `127.0.0.1 ${master.port}`]);
    const sentinels = await startSentinels(master);
    const work = await createWork(`redis+sentinel://${sentinels.join(',')}/mymaster`, 80);
    const worker = await startWorker({ ...work.environment, ...spaced });
    await work.enqueue(80);
    await waitFor('some results', async () => (await work.left()) < 230);
    await waitFor('the replica to be in step', async () =>
      (await replica.admin.info()).includes('master_link_status:up'),
    );
    await master.stop();
    const diedMs = performance.now();
    await waitFor('the other to be promoted', async () => (await replica.admin.info()).includes('role:master'), 30_000);
    const promotedMs = performance.now();
    await waitFor('everything', async () => (await work.left()) === 0, 60_000);
    process.stdout.write(
      `sentinel failover: promoted after ${Math.round(promotedMs - diedMs)} ms, all done ${Math.round(performance.now() - promotedMs)} ms later, ${worker.lines().length} log lines\n`,
    );
  });

  it('after a slot moved to another node of a cluster under load everything is done', async () => {
    const nodes = await startCluster();
    const [first, second] = nodes;
    const work = await createWork(`redis+cluster://127.0.0.1:${first!.port},127.0.0.1:${second!.port}/`, 80);
    const worker = await startWorker({ ...work.environment, ...spaced });
    await work.enqueue(80);
    await waitFor('some results', async () => (await work.left()) < 230);
    const slot = await first!.admin.cluster('KEYSLOT', '{idscan-ledger}');
    const source = nodes[Math.floor(slot / Math.ceil(16_384 / 3))]!;
    const target = nodes.find((node) => node !== source)!;
    const [sourceId, targetId] = await Promise.all([source, target].map(({ admin }) => admin.cluster('MYID')));
    await target.admin.cluster('SETSLOT', slot, 'IMPORTING', sourceId!);
    await source.admin.cluster('SETSLOT', slot, 'MIGRATING', targetId!);
    for (;;) {
      const keys = await source.admin.cluster('GETKEYSINSLOT', slot, 100);
      if (keys.length === 0) break;
      await source.admin.migrate('127.0.0.1', target.port, '', 0, 5_000, 'KEYS', ...keys);
    }
    for (const { admin } of [target, source]) await admin.cluster('SETSLOT', slot, 'NODE', targetId!);
    const movedMs = performance.now();
    await waitFor('everything', async () => (await work.left()) === 0, 60_000);
    process.stdout.write(
      `slot moved: all done ${Math.round(performance.now() - movedMs)} ms later, ${worker.lines().length} log lines\n`,
    );
  });
};
if (isFull) describe('under load', underLoad);
