import fs from 'node:fs/promises';
import { afterAll, describe, expect, it } from 'vitest';
import {
  acquire,
  held,
  killHolder,
  mainProcesses,
  newFolder,
  usedDataDir,
  dropUsedDataDir,
  redis,
  sql,
  startHolder,
  waitGone,
} from './support.ts';

afterAll(dropUsedDataDir);

async function write(urls: { databaseUrl: string; redisUrl: string }): Promise<void> {
  await sql(urls.databaseUrl, `create table if not exists kept (word text); insert into kept values ('größer')`);
  await redis(urls.redisUrl, (client) => client.set('kept', 'yes'));
}

async function read(urls: { databaseUrl: string; redisUrl: string }): Promise<unknown> {
  return [
    await sql(urls.databaseUrl, 'select distinct word from kept'),
    await redis(urls.redisUrl, (c) => c.get('kept')),
  ];
}

describe('the data', () => {
  it('are kept between runs, in a folder of any name', async () => {
    const dataDir = `${await newFolder()}/a folder, "größer" than $HOME`;
    const first = await acquire(dataDir);
    await write(first);
    await first.release();
    const second = await acquire(dataDir);
    expect(await read(second)).toEqual([[{ word: 'größer' }], 'yes']);
    await second.release();
  });

  it('outlive a kill -9 of both servers, which come back where they were', async () => {
    const dataDir = await usedDataDir();
    const worker = startHolder(dataDir);
    const urls = await held(worker);
    await write(urls);
    const before = await mainProcesses(dataDir);
    process.kill(before.postgres.pid, 'SIGKILL');
    process.kill(before.redis.pid, 'SIGKILL');
    await waitGone([before.postgres, before.redis]);
    const next = await acquire(dataDir);
    expect({ databaseUrl: next.databaseUrl, redisUrl: next.redisUrl }).toEqual(urls);
    expect(await read(next)).toEqual([[{ word: 'größer' }], 'yes']);
    await killHolder(worker);
    await next.release();
  });

  it('are written to the disk before they count, and to nobody else', async () => {
    const dataDir = await usedDataDir();
    const services = await acquire(dataDir);
    const names = ['fsync', 'synchronous_commit', 'full_page_writes', 'TimeZone', 'listen_addresses'];
    const shown = await sql(
      services.databaseUrl,
      `select name, setting from pg_settings where name = any('{${names.join(',')}}')`,
    );
    expect(Object.fromEntries(shown.map(({ name, setting }) => [name, setting]))).toEqual({
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
      TimeZone: 'UTC',
      listen_addresses: '127.0.0.1',
    });
    const [locale] = await sql(
      services.databaseUrl,
      `select pg_encoding_to_char(encoding) as encoding, datlocprovider as provider, datlocale as locale
         from pg_database where datname = current_database()`,
    );
    expect(locale).toEqual({ encoding: 'UTF8', provider: 'b', locale: 'C.UTF-8' });
    const wanted = { appendonly: 'yes', appendfsync: 'everysec', 'maxmemory-policy': 'noeviction', bind: '127.0.0.1' };
    for (const [name, value] of Object.entries(wanted)) {
      const answer = await redis(services.redisUrl, (client) => client.config('GET', name));
      expect(answer).toEqual([name, value]);
    }
    for (const secret of ['postgres/password', 'redis/password', 'redis/redis.conf', 'services/postgres.json']) {
      expect((await fs.stat(`${dataDir}/${secret}`)).mode & 0o077).toBe(0);
    }
    await services.release();
  });

  it('are not open to somebody without the password, and no command line shows it', async () => {
    const dataDir = await usedDataDir();
    const services = await acquire(dataDir);
    const [database, queue] = [new URL(services.databaseUrl), new URL(services.redisUrl)];
    const main = await mainProcesses(dataDir);
    for (const [{ pid }, { password }] of [[main.postgres, database] as const, [main.redis, queue] as const]) {
      expect(password).toMatch(/^[0-9a-f]{48}$/);
      expect(await fs.readFile(`/proc/${pid}/cmdline`, 'utf8')).not.toContain(password);
      expect(await fs.readFile(`/proc/${pid}/environ`, 'utf8')).not.toContain(password);
    }
    database.password = 'guessed';
    queue.password = '';
    await expect(sql(database.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
    await expect(redis(queue.href, (client) => client.get('kept'))).rejects.toThrow(/NOAUTH/);
    await services.release();
  });
});
