import fs from 'node:fs/promises';
import net from 'node:net';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { withLock } from '../../src/embedded/lock.ts';
import {
  acquire,
  acquireWith,
  held,
  killHolder,
  mainProcesses,
  newFolder,
  redis,
  usedDataDir,
  dropUsedDataDir,
  serverProcesses,
  sql,
  startHolder,
  waitGone,
} from './support.ts';

afterAll(dropUsedDataDir);

describe('what was left in disorder', () => {
  it('by an initdb that was killed half way, is made anew', async () => {
    const dataDir = await newFolder();
    const first = startHolder(dataDir);
    while ((await first.next())['notice']?.includes('data folder') !== true);
    await killHolder(first);
    const services = await acquire(dataDir);
    expect(await sql(services.databaseUrl, 'select current_database() as name')).toEqual([{ name: 'idscan_ledger' }]);
    await services.release();
  });

  it('by the loss of the state files, is ended and started again', async () => {
    const dataDir = await usedDataDir();
    const first = startHolder(dataDir);
    await held(first);
    const before = await mainProcesses(dataDir);
    await killHolder(first);
    await fs.rm(`${dataDir}/services/postgres.json`);
    await fs.writeFile(`${dataDir}/services/redis.json`, '{"pid":');
    const services = await acquire(dataDir);
    await waitGone([before.postgres, before.redis]);
    expect(await sql(services.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
    await services.release();
  });

  it('by a state file that names a stranger, does not harm the stranger', async () => {
    const dataDir = await usedDataDir();
    await (await acquire(dataDir)).release();
    const { postgres } = await mainProcesses(dataDir);
    const stranger = { ...postgres, pid: process.pid };
    await fs.writeFile(`${dataDir}/services/postgres.json`, JSON.stringify(stranger));
    await fs.writeFile(`${dataDir}/postgres/data/postmaster.pid`, `${process.pid}\n`);
    await fs.writeFile(`${dataDir}/services/users/${process.pid}-dead`, JSON.stringify({ ...stranger, uses: [] }));
    const services = await acquire(dataDir);
    expect(await sql(services.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
    await services.release();
    expect(await serverProcesses(dataDir)).toEqual([]);
  });

  it('by a server that answers nobody, is ended and started again', async () => {
    const dataDir = await usedDataDir();
    const first = startHolder(dataDir);
    await held(first);
    const before = await mainProcesses(dataDir);
    for (const { pid } of Object.values(before)) process.kill(pid, 'SIGSTOP');
    const release = await acquireWith(dataDir, { patience: { silentMs: 100, startingMs: 10_000 } });
    await waitGone([before.postgres, before.redis]);
    await killHolder(first);
    await release();
    expect(await serverProcesses(dataDir)).toEqual([]);
  });

  it('by the loss of the password of Redis, is ended and started again', async () => {
    const dataDir = await usedDataDir();
    const first = startHolder(dataDir);
    const urls = await held(first);
    const before = await mainProcesses(dataDir);
    await redis(urls.redisUrl, (client) => client.set('kept', 'yes'));
    await killHolder(first);
    await fs.rm(`${dataDir}/redis/password`);
    const services = await acquire(dataDir);
    await waitGone([before.redis]);
    expect((await mainProcesses(dataDir)).postgres).toEqual(before.postgres);
    expect(await redis(services.redisUrl, (client) => client.get('kept'))).toBe('yes');
    await services.release();
  });

  it('by another program on the port of last time, is avoided', async () => {
    const dataDir = await usedDataDir();
    const first = await acquire(dataDir);
    await first.release();
    const { port } = new URL(first.databaseUrl);
    const squatter = net.createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => squatter.listen(Number(port), '127.0.0.1', resolve));
    const second = await acquire(dataDir);
    expect(new URL(second.databaseUrl).port).not.toBe(port);
    await second.release();
    await new Promise((resolve) => squatter.close(resolve));
  });
});

describe('what cannot be helped', () => {
  it('is told with the end of the log of a server that does not start, and the other one is stopped', async () => {
    const dataDir = await usedDataDir();
    await (await acquire(dataDir)).release();
    const settings = `${dataDir}/postgres/data/postgresql.conf`;
    const good = await fs.readFile(settings, 'utf8');
    await fs.appendFile(settings, 'wal_level = sideways\n');
    onTestFinished(async () => await fs.writeFile(settings, good));
    await expect(acquire(dataDir)).rejects.toMatchObject({
      code: 'embedded_server_failed',
      message: expect.stringContaining('sideways') as string,
      hint: expect.stringContaining('DATABASE_URL') as string,
    });
    expect(await serverProcesses(dataDir)).toEqual([]);
    expect(await fs.readdir(`${dataDir}/services/users`)).toEqual([]);
  });

  it('is told when the data folder is none', async () => {
    const dataDir = await newFolder();
    await fs.writeFile(`${dataDir}/file`, '');
    const hint = expect.stringContaining('IDSCAN_DATA_DIR') as string;
    await expect(acquire(`${dataDir}/file`)).rejects.toMatchObject({ code: 'storage_failed', hint });
    await expect(acquire(`${dataDir}/file/below`)).rejects.toMatchObject({ code: 'storage_failed', hint });
  });

  it('is told when another command keeps the lock', async () => {
    const dataDir = await newFolder();
    await withLock(dataDir, 1000, async () => {
      await expect(acquireWith(dataDir, { lockTimeoutMs: 100 })).rejects.toMatchObject({
        code: 'embedded_server_failed',
        message: expect.stringContaining('Another command') as string,
      });
    });
    expect(await fs.readdir(`${dataDir}/services/users`)).toEqual([]);
  });
});
