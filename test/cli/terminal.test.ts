import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, statSync } from 'node:fs';
import path from 'node:path';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { onceStarted } from '../../src/cli/run.ts';
import { LedgerError } from '../../src/errors.ts';
import { serverProcesses } from '../embedded/support.ts';
import { atEnd, createTestFolder, waitFor } from '../support/books.ts';
import { type CliEnvironment, createCliEnvironment, launcher, ownEnvironment, startCli } from '../support/cli.ts';
import { withSimulator } from '../support/simulator.ts';

/** Runs a command with its output into an open file, and returns its exit code and what it says on stderr. */
async function runInto(
  output: number | 'pipe',
  args: readonly string[],
  environment: CliEnvironment,
  before: string[] = [],
) {
  const [program = '', ...words] = [...before, process.execPath, launcher, ...args];
  const child = spawn(program, words, {
    cwd: environment['folder'],
    env: ownEnvironment(environment),
    stdio: ['ignore', output, 'pipe'],
  });
  child.stdout?.destroy();
  let stderr = '';
  child.stderr!.on('data', (chunk) => (stderr += String(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr };
}

describe('an output that cannot be written', () => {
  test.each([[['--help']], [['status']], [['report', '2026-10']], [['doctor']], [['worker', '--until-idle']]])(
    'is a failure of %j',
    async (args) => {
      const environment = await createCliEnvironment({
        IDSCAN_KEY_ID: 'key',
        IDSCAN_KEY_SECRET: 'a secret that is long enough for HS256',
        LOG_LEVEL: 'silent',
      });
      const full = openSync('/dev/full', 'w');
      const { code, stderr } = await runInto(full, args, environment);
      closeSync(full);
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringMatching(/^[^\n]*ENOSPC[^\n]*\(storage_full\)\n$/) as string,
      });
    },
  );

  test('is one also where only its end does not fit', async () => {
    const folder = await createTestFolder();
    const file = path.join(folder, 'out');
    const cut = openSync(file, 'w');
    const { code, stderr } = await runInto(cut, ['--help'], { folder }, ['prlimit', '--fsize=100:100']);
    closeSync(cut);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('(storage_full)') as string });
    expect(statSync(file).size).toBe(100);
  });

  test('is none where there was nothing to say', async () => {
    const environment = await createCliEnvironment({ DATABASE_URL: 'postgres://127.0.0.1:9/none' });
    const full = openSync('/dev/full', 'w');
    const { code, stderr } = await runInto(full, ['status'], environment);
    closeSync(full);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/\(database_unavailable\)\n$/) as string,
    });
  });

  test('is none where the reader has read enough', async () => {
    expect(await runInto('pipe', ['--help'], { folder: await createTestFolder() })).toEqual({ code: 0, stderr: '' });
  });
});

describe('a terminal that is closed', () => {
  test('ends a command with 129, and with it the embedded servers', async () => {
    const folder = await createTestFolder();
    const dataDir = path.join(folder, 'data');
    const child = spawn(process.execPath, [launcher, 'enqueue', '-'], {
      cwd: folder,
      env: ownEnvironment({ IDSCAN_DATA_DIR: dataDir }),
    });
    atEnd(() => Promise.resolve(child.kill('SIGKILL')));
    const exited = once(child, 'exit');
    let out = '';
    child.stdout.on('data', (chunk) => (out += String(chunk)));
    child.stdin.write(`transaction_id,result_id\n${'one,\n'.repeat(1_000)}`);
    await waitFor('the first lines', () => out.includes('already known'), 60_000);
    expect(await serverProcesses(dataDir)).not.toEqual([]);
    // The shell and the kernel may both send it.
    child.kill('SIGHUP');
    child.kill('SIGHUP');
    expect(await exited).toEqual([129, null]);
    expect(await serverProcesses(dataDir)).toEqual([]);
  });

  test('ends a worker orderly, as SIGTERM does', async () => {
    const { vendor } = await withSimulator();
    const worker = startCli(['worker'], await createCliEnvironment(vendor));
    let log = '';
    worker.stderr!.on('data', (chunk) => (log += String(chunk)));
    await waitFor('the start', () => log.includes('workers started'));
    worker.kill('SIGHUP');
    expect((await worker.result).code).toBe(0);
  });
});

describe('without a terminal every line is JSON', () => {
  const linesOf = (text: string) =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { msg: string; level: number; code?: string });

  test('of a service, with what is switched off', async () => {
    const { vendor } = await withSimulator();
    const folder = await createTestFolder();
    const environment = { folder, ...vendor, HTTP_PORT: '0', IDSCAN_DATA_DIR: path.join(folder, 'data') };
    const service = startCli(['serve', '--with-workers'], environment);
    let log = '';
    service.stderr!.on('data', (chunk) => (log += String(chunk)));
    await waitFor('workers', () => log.includes('workers started') && log.includes('Server listening'), 60_000);
    service.kill('SIGTERM');
    const { code, stdout, stderr } = await service.result;
    expect(code, stderr).toBe(0);
    expect(linesOf(stdout)).toEqual([]);
    const warned = linesOf(stderr)
      .filter(({ level }) => level === 40)
      .map(({ msg }) => msg);
    expect(warned).toContain('Nobody can sign in: neither HTTP_TOKENS nor OIDC_ISSUER is set.');
  });

  test('of a failure after the start, unless nothing is logged', async () => {
    const lines: string[] = [];
    const failing = (level: string) =>
      onceStarted(pino({ level }, { write: (line: string) => lines.push(line) }), AbortSignal.any([]), () =>
        Promise.reject(new LedgerError('queue_misconfigured', 'It refuses.', { hint: 'Look at it.' })),
      );
    expect(await failing('fatal')).toBe(3);
    expect(linesOf(lines.join(''))).toMatchObject([{ level: 60, code: 'queue_misconfigured', hint: 'Look at it.' }]);
    await expect(failing('silent')).rejects.toMatchObject({ code: 'queue_misconfigured' });
  });
});
