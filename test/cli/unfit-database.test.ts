import { inject, expect, test } from 'vitest';
import { asAdmin, asOwner, atEnd, createEmptyDatabase, createTestDatabase } from '../support/books.ts';
import { createCliEnvironment, runCli } from '../support/cli.ts';
import { asRole, withDatabase, withRole } from '../support/roles.ts';

/** What doctor finds wrong with Postgres, and that a command refuses to start with the same words. */
async function expectRefusal(url: string, code: string, found: RegExp): Promise<void> {
  const environment = await createCliEnvironment({ DATABASE_URL: url });
  const doctor = await runCli(['doctor', '--json'], environment);
  const { findings } = JSON.parse(doctor.stdout) as {
    findings: { examination: string; found: string; hint: string; code: string }[];
  };
  const finding = findings.find(({ examination }) => examination === 'postgres');
  expect(finding).toMatchObject({ state: 'failed', code, hint: expect.stringMatching(/\w/) as string });
  expect(finding!.found).toMatch(found);
  expect(doctor.code).toBe(1);
  for (const args of [
    ['enqueue', 't-1'],
    ['report', '2026-10'],
  ]) {
    const { code: exit, stderr } = await runCli(args, environment);
    expect({ exit, stderr }).toEqual({ exit: 3, stderr: `${finding!.found}\n${finding!.hint}\n(${code})\n` });
  }
}

test('a search_path that leads to no schema', async () => {
  const url = new URL(await createTestDatabase());
  url.searchParams.set('options', '-c search_path=legder');
  await expectRefusal(url.toString(), 'database_misconfigured', /search_path.*legder/);
});

test('an empty database, as a role that may create nothing there', async () => {
  const url = withRole(await createEmptyDatabase(), inject('appUrl'));
  await expectRefusal(url, 'database_forbidden', /empty.*idscan_ledger_app may not create/);
});

test('an encoding that cannot hold every text', async () => {
  const name = `idscan_latin5_${process.pid}`;
  const maintenance = inject('adminUrl');
  atEnd(() => asRole(maintenance, `drop database if exists ${name} with (force)`).then(() => undefined));
  await asRole(
    maintenance,
    `create database ${name} template template0 encoding 'LATIN5' locale_provider libc locale 'C' owner idscan_ledger_owner`,
  );
  await expectRefusal(withDatabase(inject('ownerUrl'), name), 'database_misconfigured', /LATIN5/);
});

test('fewer connections than the program opens; doctor asks for what a worker needs', async () => {
  const url = await createTestDatabase();
  const name = new URL(url).pathname.slice(1);
  const limit = (to: number) => asRole(asAdmin(url), `alter database ${name} connection limit ${to}`);
  for (const few of [2, 7]) {
    await limit(few);
    const environment = await createCliEnvironment({ DATABASE_URL: url });
    const doctor = await runCli(['doctor'], environment);
    expect(doctor.stdout).toMatch(
      new RegExp(`FAILED\\s+postgres\\s.*at most ${few} connections.*20.*\\(database_misconfigured\\)`),
    );
    const { code, stderr } = await runCli(['status'], environment);
    expect(code, stderr).toBe(3);
    expect(stderr).toMatch(new RegExp(`at most ${few} connections[^]*\\(database_misconfigured\\)`));
  }
  await limit(8);
  const environment = await createCliEnvironment({ DATABASE_URL: url });
  expect((await runCli(['status'], environment)).code).toBe(0);
  expect((await runCli(['doctor'], environment)).code).toBe(1);
  await limit(20);
  expect((await runCli(['doctor'], environment)).code).toBe(0);
});

test('triggers switched off by a setting', async () => {
  const url = await createTestDatabase();
  const name = new URL(url).pathname.slice(1);
  await asRole(asAdmin(url), `alter database ${name} set session_replication_role = 'replica'`);
  await expectRefusal(url, 'database_misconfigured', /session_replication_role/);
});

test('owners meet the same refusals', async () => {
  const url = new URL(asOwner(await createTestDatabase()));
  url.searchParams.set('options', '-c search_path=legder');
  const { code, stderr } = await runCli(
    ['migrate', 'up'],
    await createCliEnvironment({ DATABASE_URL: url.toString() }),
  );
  expect(code).toBe(3);
  expect(stderr).toContain('(database_misconfigured)');
});
