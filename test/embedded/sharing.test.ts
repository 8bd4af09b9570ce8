import { afterAll, describe, expect, it } from 'vitest';
import {
  acquire,
  endHolder,
  held,
  killHolder,
  mainProcesses,
  newFolder,
  usedDataDir,
  dropUsedDataDir,
  redis,
  serverProcesses,
  sql,
  startHolder,
  waitGone,
} from './support.ts';

afterAll(dropUsedDataDir);

describe('servers that commands share', () => {
  it('are joined by a second command and stopped by the last one', async () => {
    const dataDir = await usedDataDir();
    const worker = startHolder(dataDir);
    const urls = await held(worker);
    const before = await mainProcesses(dataDir);
    const status = await acquire(dataDir);
    expect({ databaseUrl: status.databaseUrl, redisUrl: status.redisUrl }).toEqual(urls);
    expect(status.embedded).toEqual({ postgres: true, redis: true });
    await status.release();
    await status.release();
    expect(await sql(urls.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(await mainProcesses(dataDir)).toEqual(before);
    await endHolder(worker);
    expect(await serverProcesses(dataDir)).toEqual([]);
  });

  it('are counted also when one process acquires several times', async () => {
    const dataDir = await usedDataDir();
    const [first, second] = await Promise.all([acquire(dataDir), acquire(dataDir)]);
    expect(second.databaseUrl).toBe(first.databaseUrl);
    await first.release();
    expect(await redis(second.redisUrl, (client) => client.ping())).toBe('PONG');
    await second.release();
    expect(await serverProcesses(dataDir)).toEqual([]);
  });

  it('are started once by commands that begin at the same moment', async () => {
    const dataDir = await newFolder();
    const holders = Array.from({ length: 4 }, () => startHolder(dataDir));
    const urls = await Promise.all(holders.map(held));
    expect(new Set(urls.map((one) => JSON.stringify(one))).size).toBe(1);
    const folders = new Set((await serverProcesses(dataDir)).map(({ cwd }) => cwd));
    expect([...folders].sort()).toEqual([`${dataDir}/postgres/data`, `${dataDir}/redis/data`]);
    await Promise.all(holders.map(endHolder));
    expect(await serverProcesses(dataDir)).toEqual([]);
  });

  it('survive a user that is killed, and end with the next one', async () => {
    const dataDir = await usedDataDir();
    const worker = startHolder(dataDir);
    const urls = await held(worker);
    const before = await mainProcesses(dataDir);
    await killHolder(worker);
    const next = await acquire(dataDir);
    expect(next.databaseUrl).toBe(urls.databaseUrl);
    expect(await mainProcesses(dataDir)).toEqual(before);
    await next.release();
    await waitGone([before.postgres, before.redis]);
    expect(await serverProcesses(dataDir)).toEqual([]);
  });

  it('do not hear the Ctrl-C that ends their users', async () => {
    const dataDir = await usedDataDir();
    const worker = startHolder(dataDir, { detached: true });
    await held(worker);
    const status = await acquire(dataDir);
    const before = await mainProcesses(dataDir);
    const ended = new Promise((resolve) => worker.child.once('exit', resolve));
    process.kill(-worker.pid, 'SIGINT');
    expect(await ended).toBe(0);
    expect(await sql(status.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
    await status.release();
    await waitGone([before.postgres, before.redis]);
  });

  it('run only where no URL is given, and only as long as somebody uses that one', async () => {
    const dataDir = await usedDataDir();
    const both = startHolder(dataDir);
    await held(both);
    const before = await mainProcesses(dataDir);
    await killHolder(both);
    const given = 'redis://127.0.0.1:1/0';
    const services = await acquire(dataDir, { redisUrl: given });
    expect(services.redisUrl).toBe(given);
    expect(services.embedded).toEqual({ postgres: true, redis: false });
    await waitGone([before.redis]);
    expect(await sql(services.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
    await services.release();
    await waitGone([before.postgres]);
  });

  it('are none where both URLs are given', async () => {
    const folder = await newFolder();
    const given = { databaseUrl: 'postgres://127.0.0.1:1/x', redisUrl: 'redis://127.0.0.1:1/0' };
    const services = await acquire(`${folder}/never-made`, given);
    expect(services).toMatchObject({ ...given, embedded: { postgres: false, redis: false } });
    await services.release();
    expect(await serverProcesses(folder)).toEqual([]);
  });
});
