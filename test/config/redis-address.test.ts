import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { parseRedisUrl } from '../../src/config/redis-address.ts';
import { createTestFolder } from '../support/books.ts';
import { certificateFor } from '../id-scan/certificate.ts';

const problemsOf = (url: string): string => {
  try {
    loadConfig({ REDIS_URL: url }, { vendorKey: false });
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
};

describe('REDIS_URL', () => {
  it('names one server, with a database', () => {
    expect(parseRedisUrl('redis://worker:p%40ss@redis.example.com:6380/3')).toEqual({
      kind: 'single',
      nodes: [{ host: 'redis.example.com', port: 6380 }],
      masterName: undefined,
      database: 3,
      username: 'worker',
      password: 'p@ss',
      sentinelUsername: undefined,
      sentinelPassword: undefined,
      tls: undefined,
    });
    expect(parseRedisUrl('redis://[::1]')).toMatchObject({ nodes: [{ host: '::1', port: 6379 }], database: 0 });
    expect(parseRedisUrl('redis://:secret@localhost')).toMatchObject({ username: undefined, password: 'secret' });
    expect(parseRedisUrl('rediss://localhost')).toMatchObject({ tls: {} });
  });

  it('names the nodes of a cluster', () => {
    expect(parseRedisUrl('redis+cluster://a:7000,b:7001,c/')).toMatchObject({
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 7000 },
        { host: 'b', port: 7001 },
        { host: 'c', port: 6379 },
      ],
      tls: undefined,
    });
    expect(parseRedisUrl('rediss+cluster://u:p@a')).toMatchObject({ kind: 'cluster', tls: {}, username: 'u' });
  });

  it('names Sentinels, their master, and credentials of both', () => {
    expect(
      parseRedisUrl('redis+sentinel://u:p@s1:26380,s2,s3/my-master/2?sentinel_user=su&sentinel_password=s%26p'),
    ).toMatchObject({
      kind: 'sentinel',
      nodes: [
        { host: 's1', port: 26380 },
        { host: 's2', port: 26379 },
        { host: 's3', port: 26379 },
      ],
      masterName: 'my-master',
      database: 2,
      username: 'u',
      password: 'p',
      sentinelUsername: 'su',
      sentinelPassword: 's&p',
    });
  });

  it('names the certificate authority of the server', async () => {
    const file = path.join(await createTestFolder(), 'ca.pem');
    const { cert } = certificateFor('localhost');
    await writeFile(file, cert);
    expect(parseRedisUrl(`rediss://localhost/0?sslrootcert=${file}`).tls?.ca).toBe(cert);
  });

  it.each([
    ['http://localhost', 'must be a URL that starts with redis:// or rediss://'],
    ['localhost:6379', 'must be a URL that starts with redis:// or rediss://'],
    ['redis://', 'must be a URL'],
    ['redis://u:p@ss@w@rd/x@localhost', 'must be a URL'],
    ['redis://a,b', 'names several servers'],
    ['redis://a:0', 'names a host that is not host or host:port'],
    ['redis://a:70000', 'names a host that is not host or host:port'],
    ['redis+cluster://a,,b/', 'names a host that is not host or host:port'],
    ['redis://a/first', 'must end in the number of a database'],
    ['redis://a/0/1', 'must end in the number of a database'],
    ['redis+cluster://a/1', 'names a database'],
    ['redis+sentinel://a,b', "must name the Sentinels' master"],
    ['redis://a?sentinels=b', 'has a parameter that is not one of'],
    ['redis://u:100%@a', 'has a user or password with a % that begins no code'],
    ['redis://a?sslrootcert=/etc/ca.pem', 'has sslrootcert without TLS'],
    ['rediss://a?sslrootcert=/nowhere/ca.pem', 'names an sslrootcert that cannot be read (ENOENT)'],
    [
      `rediss://a?sslrootcert=${path.join(import.meta.dirname, '../../package.json')}`,
      'names an sslrootcert that holds no certificate in PEM form',
    ],
  ])('is refused with what is wrong: %s', (url, problem) => {
    expect(problemsOf(url)).toContain(`REDIS_URL ${problem}`);
  });

  it('whose certificate authority is damaged is refused', async () => {
    const file = path.join(await createTestFolder(), 'ca.pem');
    await writeFile(file, '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n');
    expect(problemsOf(`rediss://a?sslrootcert=${file}`)).toContain('REDIS_URL names an sslrootcert with a certificate');
  });

  it('appears in no message, nor does its password', () => {
    expect(problemsOf('redis://user:hunter2@host:port/0')).not.toMatch(/hunter2|host:port\/0/);
  });
});
