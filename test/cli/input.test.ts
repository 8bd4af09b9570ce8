import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { asOwner } from '../support/books.ts';
import { createCliEnvironment, runCli } from '../support/cli.ts';

const key = { IDSCAN_KEY_ID: 'key', IDSCAN_KEY_SECRET: 'a secret that is long enough for HS256' };
const a = '11111111-2222-4333-8444-555555555555';
const b = 'AAAAAAAA-2222-4333-8444-555555555555';

/** What a person would take for a crash. */
const stackTrace = /\n\s+at .*\(?(file:|node:|\/)/;

describe('enqueue', () => {
  test('takes the good lines, names each bad one with its number and reason, and exits 1', async () => {
    const environment = await createCliEnvironment();
    const file = path.join(environment.folder, 'ids.csv');
    const long = 'x'.repeat(10_000_000);
    await writeFile(
      file,
      `\uFEFFtransaction_id,result_id\r\n${a},\r\n\r\nnot an id,\r\n../../etc/passwd,x\r\n${a},\r\n${b},r-1\r\n${long},y\r\n${b.toLowerCase()},r-2\r\n"${a}\r\nlast-one,`,
    );
    const { code, stdout, stderr } = await runCli(['enqueue', '--file', file], environment);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout.split('\n')).toEqual([
      'line 3: rejected: is empty',
      'line 4: rejected: transaction_id is not an ID',
      'line 5: rejected: transaction_id is not an ID',
      'line 6: already known',
      'line 8: rejected: is longer than 8 KiB',
      'line 9: rejected: the transaction is known with another result_id',
      'line 10: rejected: has a stray quote',
      '3 accepted, 1 already known, 6 lines rejected',
      '',
    ]);
    const again = await runCli(['enqueue', '-'], environment, `transaction_id,result_id\n${a},\nnew-one,`);
    expect(again).toMatchObject({
      code: 0,
      stdout: 'line 2: already known\n1 accepted, 1 already known, 0 lines rejected\n',
    });
  });

  test('reports a wrong header and goes on', async () => {
    const environment = await createCliEnvironment();
    const { code, stdout } = await runCli(['enqueue', '-'], environment, `id;result\n${a},\n`);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^line 1: rejected: the header must be transaction_id,result_id.*\n1 accepted, 0 already known, 1 line rejected\n$/,
    );
  });

  test('by hand takes one transaction; nothing at all is a mistake', async () => {
    const environment = await createCliEnvironment();
    expect(await runCli(['enqueue', a, 'result-1'], environment)).toMatchObject({
      code: 0,
      stdout: '1 accepted, 0 already known, 0 lines rejected\n',
    });
    expect(await runCli(['enqueue', 'no/id'], environment)).toMatchObject({ code: 1 });
    expect(await runCli(['enqueue'], environment)).toMatchObject({ code: 2 });
    expect(await runCli(['enqueue', '--file', '/no/such/file.csv'], environment)).toMatchObject({ code: 2 });
  });

  test.each([
    [['enqueue', '-'], 'Nothing to enqueue: the input is empty.'],
    [['enqueue', '--file', 'empty.csv'], 'Nothing to enqueue: empty.csv is empty.'],
    [['enqueue', '--file', '/dev/null'], 'Nothing to enqueue: /dev/null is empty.'],
    [['enqueue', '--file', '.'], '. cannot be read: it is a directory (EISDIR).'],
    [['reprocess', '--file', 'empty.csv'], 'Nothing to reprocess: empty.csv is empty.'],
    [['reprocess', '--file', '.'], '. cannot be read: it is a directory (EISDIR).'],
    [['reprocess', '--file', '/no/such/file.csv'], '/no/such/file.csv cannot be read: there is no such file (ENOENT).'],
  ])('%j with nothing in it is a mistake, and says what is expected', async (args, message) => {
    const environment = await createCliEnvironment();
    await writeFile(path.join(environment.folder, 'empty.csv'), '');
    const { code, stdout, stderr } = await runCli(args, environment);
    expect({ code, stdout, message: stderr.split('\n')[0] }).toEqual({ code: 2, stdout: '', message });
    expect(stderr).toMatch(/\n\(usage_invalid\)\n$/);
  });

  test('that is given a header alone has nothing to do', async () => {
    const environment = await createCliEnvironment();
    expect(await runCli(['enqueue', '-'], environment, 'transaction_id,result_id\n')).toMatchObject({ code: 0 });
  });

  test('without Redis commits all the same and exits 0 with a warning', async () => {
    const environment = await createCliEnvironment({ REDIS_URL: 'redis://127.0.0.1:1' });
    const { code, stdout, stderr } = await runCli(['enqueue', a], { ...environment, LOG_LEVEL: 'silent' });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '1 accepted, 0 already known, 0 lines rejected\n' });
    expect(stderr).toMatch(/^Redis does not answer: nothing listens at its address\. Everything accepted/);
    const status = JSON.parse((await runCli(['status', '--json'], environment)).stdout) as { transactions: unknown };
    expect(status.transactions).toMatchObject({ total: 1 });
  });
});

describe('configuration', () => {
  test('is checked as a whole: all mistakes at once, no value repeated, exit 2', async () => {
    const environment = await createCliEnvironment({
      BILLING_TIME_ZONE: 'Mars/Olympus',
      IDSCAN_BASE_URL: 'http://vendor.example/v1/',
      FETCH_DOCUMENTS: 'si',
      IDSCAN_TOKEN_TTL_SECONDS: '1e3',
      DATABASE_URL: 'mysql://s3cret@db/x',
      LOG_LEVEL: 'loud',
    });
    const { code, stdout, stderr } = await runCli(['worker', '--until-idle'], environment);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    for (const name of [
      'BILLING_TIME_ZONE',
      'IDSCAN_BASE_URL',
      'FETCH_DOCUMENTS',
      'IDSCAN_TOKEN_TTL_SECONDS',
      'DATABASE_URL',
      'LOG_LEVEL',
      'IDSCAN_KEY_ID',
      'IDSCAN_KEY_SECRET',
    ])
      expect(stderr).toContain(`  - ${name} `);
    expect(stderr).not.toMatch(/s3cret|Olympus|vendor\.example/);
    expect(stderr).not.toMatch(stackTrace);
  });

  test('of rules and prices is refused with every mistake', async () => {
    const environment = await createCliEnvironment();
    const file = path.join(environment.folder, 'prices.json');
    await writeFile(
      file,
      JSON.stringify({
        version: 'v',
        currency: 'EUR',
        source: 's',
        prices: [
          { task_type: 'iris', level: null, effective_from: '2026-02-30', effective_to: null, unit_price: '-1' },
        ],
      }),
    );
    const { code, stderr } = await runCli(['report', '2026-10'], { ...environment, PRICES_FILE: file });
    expect(code).toBe(2);
    const places = ['task_type', 'effective_from', 'unit_price'].map((key) => `${file}:1: prices.0.${key}: must be`);
    for (const place of places) expect(stderr.split(place)).toHaveLength(2);
    expect(stderr.split(`${file}:`)).toHaveLength(places.length + 1);
  });

  test('a database that is not there is said in words, exit 1', async () => {
    const environment = await createCliEnvironment({ DATABASE_URL: 'postgres://u:p@127.0.0.1:1/x' });
    const { code, stderr } = await runCli(['status'], environment);
    expect(code).toBe(1);
    expect(stderr).toContain('Postgres does not answer: nothing listens at its address.');
    expect(stderr).not.toMatch(stackTrace);
  });
});

describe('usage', () => {
  test.each([
    [['report', '2026-13']],
    [['report', 'October']],
    [['report']],
    [['reprocess']],
    [['reprocess', '--month', '2026-00']],
    [['reprocess', '--failed', '--only', 'everything']],
    [['migrate', 'sideways']],
    [['no-such-command']],
    [['demo', '--transactions', '0']],
  ])('%j is a mistake: exit 2, in words', async (args) => {
    const { code, stdout, stderr } = await runCli(args, await createCliEnvironment(key));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.length).toBeGreaterThan(10);
    expect(stderr).not.toMatch(stackTrace);
  });

  test.each([
    [['--help']],
    [['enqueue', '--help']],
    [['worker', '--help']],
    [['report', '--help']],
    [['reprocess', '--help']],
  ])('%j prints help with an example, exit 0', async (args) => {
    const { code, stdout } = await runCli(args, await createCliEnvironment());
    expect(code).toBe(0);
    expect(stdout).toContain('Usage: idscan-ledger');
  });

  test('migrate brings an old database up, takes it down, and lists; other commands refuse an outdated one', async () => {
    const asApp = await createCliEnvironment();
    const environment = { ...asApp, DATABASE_URL: asOwner((asApp as Record<string, string>)['DATABASE_URL']) };
    expect((await runCli(['migrate', 'status'], environment)).stdout).toMatch(/20261123000000_books +\d{4}-/);
    expect((await runCli(['migrate', 'down'], environment)).stdout).toContain('taken back: ');
    expect((await runCli(['migrate'], environment)).stdout).toContain('applied: ');
    expect(await runCli(['migrate', 'up'], environment)).toMatchObject({ code: 0, stdout: 'nothing to be applied\n' });
  });
});
