import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { describeDatabase } from '../../src/db/check.ts';
import { openDatabase } from '../../src/db/database.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { acquireServices } from '../../src/embedded/index.ts';
import { atEnd, createTestFolder } from '../support/books.ts';
import { runCli } from '../support/cli.ts';
import { issueCertificate } from '../support/certificates.ts';
import { appRole, asRole, overTls, type RoleUrls, showCertificate, withDatabase, withRole } from '../support/roles.ts';
import { prepareOwnServer } from '../support/servers.ts';

/** A server of this file alone, so that its TLS and its limits can be changed. */
let server: RoleUrls & { readonly plainUrl: string };
let folder: string;

beforeAll(async () => {
  folder = await createTestFolder();
  const { databaseUrl, release } = await acquireServices({ dataDir: path.join(folder, 'data'), redisUrl: 'none' });
  atEnd(release);
  server = { ...(await prepareOwnServer(databaseUrl, folder)), plainUrl: databaseUrl };
}, 180_000);

const command = (url: string, args: readonly string[] = ['status']) =>
  runCli(args, {
    DATABASE_URL: url,
    REDIS_URL: 'redis://127.0.0.1:1',
    IDSCAN_DATA_DIR: folder,
    REPORTS_DIR: folder,
    folder,
  });

/** One refusal: a code, what to do, and no stack. */
async function expectRefusal(url: string, code: ErrorCode, exitCode: number, text: RegExp): Promise<void> {
  const { code: exit, stdout, stderr } = await command(url);
  expect({ exit, stdout }, stderr).toEqual({ exit: exitCode, stdout: '' });
  expect(stderr).toContain(`(${code})`);
  expect(stderr).toMatch(text);
  expect(stderr).not.toMatch(/fault of the program|\n\s+at |Warning:/);
  expect(stderr.split('\n').length).toBeLessThan(6);
  expect(stderr).not.toContain(new URL(url).password || 'no password');
}

const patient = { timeout: 30_000, interval: 200 };
const exitCode = async (url: string) => (await command(url)).code;

describe('what stands in the way of a connection', () => {
  test('nothing: the check says what it found', async () => {
    const db = openDatabase(server.appUrl);
    atEnd(db.close);
    expect(await describeDatabase(db)).toMatch(
      /^Postgres \d+\.\d+, TLS 1\.3, role idscan_ledger_app \(not the owner\), \d+ migrations$/,
    );
    const plain = openDatabase(server.plainUrl);
    atEnd(plain.close);
    expect(await describeDatabase(plain)).toMatch(/, no TLS, role \w+ \(superuser\), 0 migrations$/);
  });

  test('a wrong password, a role or database that does not exist', async () => {
    const wrong = new URL(server.appUrl);
    wrong.password = 'wr0ng-pass';
    await expectRefusal(
      wrong.toString(),
      'database_unavailable',
      1,
      /refuses.*password authentication failed.*\n.*pg_hba/,
    );
    await expectRefusal(withDatabase(server.appUrl, 'nowhere'), 'database_unavailable', 1, /"nowhere" does not exist/);
  });

  test('no connection left', async () => {
    await asRole(server.adminUrl, `alter role ${appRole} connection limit 0`);
    try {
      await expectRefusal(server.appUrl, 'database_unavailable', 1, /too many connections.*\n.*max_connections/);
    } finally {
      await asRole(server.adminUrl, `alter role ${appRole} connection limit -1`);
    }
  });

  test('an authority’s file that is missing is a mistake in the configuration', async () => {
    const url = overTls(server.appUrl, { caFile: path.join(folder, 'none.pem') });
    await expectRefusal(url, 'config_invalid', 2, /sslrootcert.*none\.pem: ENOENT/);
  });

  test('a certificate that another authority has signed', async () => {
    const caFile = path.join(folder, 'other-ca.pem');
    await writeFile(caFile, (await issueCertificate({ ips: ['127.0.0.1'] })).ca);
    const untrusted = /authority that is not trusted.*\n.*sslrootcert/;
    await expectRefusal(overTls(server.appUrl, { caFile }), 'database_misconfigured', 3, untrusted);
    const system = new URL(server.appUrl);
    system.searchParams.delete('sslrootcert');
    await expectRefusal(system.toString(), 'database_misconfigured', 3, untrusted);
  });

  test('a certificate for another name', async () => {
    const url = new URL(server.appUrl);
    url.hostname = 'localhost';
    await expectRefusal(url.toString(), 'database_misconfigured', 3, /another name than the host/);
  });

  test('a certificate that has expired', async () => {
    const { ca, ...expired } = await issueCertificate({ ips: ['127.0.0.1'] }, new Date(Date.now() - 3_600_000));
    const caFile = path.join(folder, 'expired-ca.pem');
    await writeFile(caFile, ca);
    const [own] = await asRole<{ cert: string; key: string }>(
      server.adminUrl,
      `select pg_read_file('idscan-test.pem') as cert, pg_read_file('idscan-test.key') as key`,
    );
    await showCertificate(server.plainUrl, expired);
    await expect.poll(() => exitCode(server.appUrl), patient).toBe(3);
    await expectRefusal(overTls(server.appUrl, { caFile }), 'database_misconfigured', 3, /is expired/);
    await showCertificate(server.plainUrl, own!);
    await expect.poll(() => exitCode(server.appUrl), patient).toBe(0);
  });

  test('a server without TLS where the URL asks for it', async () => {
    const switchTls = (to: 'on' | 'off') =>
      asRole(server.plainUrl, `alter system set ssl = ${to}`, 'select pg_reload_conf()');
    await switchTls('off');
    await expect.poll(() => exitCode(server.appUrl), patient).toBe(3);
    await expectRefusal(server.appUrl, 'database_misconfigured', 3, /offers no TLS.*\n.*ssl = on/);
    await switchTls('on');
    await expect.poll(() => exitCode(server.appUrl), patient).toBe(0);
  });

  test('a server that insists on TLS where the URL does not ask for it', async () => {
    const plain = withRole(withDatabase(server.plainUrl, 'books'), server.appUrl);
    const [rules] = await asRole<{ file: string }>(server.plainUrl, `select current_setting('hba_file') as file`);
    const before = await readFile(rules!.file, 'utf8');
    await writeFile(rules!.file, `hostnossl all ${appRole} all reject\n${before}`);
    await asRole(server.plainUrl, 'select pg_reload_conf()');
    await expect.poll(() => exitCode(plain), patient).toBe(1);
    await expectRefusal(plain, 'database_unavailable', 1, /no encryption.*\n.*sslmode=verify-full/);
  });
});
