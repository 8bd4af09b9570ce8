import { expect, test } from 'vitest';
import { asOwner } from '../support/books.ts';
import { type CliEnvironment, createCliEnvironment, runCli } from '../support/cli.ts';
import { asRole } from '../support/roles.ts';
import { withSimulator } from '../support/simulator.ts';

type StatusJson = { transactions: { withdrawn: number }; failed: unknown[] };
const statusOf = async (environment: CliEnvironment) =>
  JSON.parse((await runCli(['status', '--json'], environment)).stdout) as StatusJson;

test(
  'a mistyped ID: close says what to do, the command it names opens the way, and enqueue puts the ID back',
  { timeout: 180_000 },
  async () => {
    const { simulator, vendor } = await withSimulator({ transactions: 3 });
    const environment = await createCliEnvironment(vendor);
    const run = (...args: string[]) => runCli(args, environment);
    await runCli(['enqueue', '-'], environment, simulator.idsCsv());
    await run('enqueue', 't-typo');
    expect(await run('withdraw', 't-typo', '--reason', 'too soon')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('(blocked)') as string,
    });
    expect((await run('worker', '--until-idle')).code).toBe(1);
    expect((await statusOf(environment)).failed).toEqual([{ kind: 'result', code: 'vendor_not_found', count: 1 }]);

    // As it is in October: what is registered long after a month cannot belong to it.
    await asRole(
      asOwner(environment.DATABASE_URL),
      `update transactions set registered_at = '2026-10-20T00:00:00Z' where id = 't-typo'`,
    );
    const blocked = await run('close', '2026-10');
    expect(blocked.code).toBe(3);
    const command = /npx idscan-ledger (withdraw t-typo --reason) "/.exec(blocked.stdout)?.[1];
    expect(blocked.stdout).toMatch(/^failed +t-typo +vendor_not_found/m);
    expect(command).toBeDefined();

    expect((await run('withdraw', 't-typo')).code).toBe(2);
    expect((await run('withdraw', 't-typo', '--reason', '  ')).code).toBe(2);
    expect((await run('withdraw', 't-nobody', '--reason', 'x')).code).toBe(1);
    expect(await run(...command!.split(' '), 'typing error')).toMatchObject({ code: 0, stderr: '' });
    const again = await run('withdraw', 't-typo', '--reason', 'another', '--json');
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({
      transaction_id: 't-typo',
      is_new: false,
      reason: 'typing error',
      withdrawn_by: expect.stringContaining('@') as string,
    });
    expect(await statusOf(environment)).toMatchObject({ transactions: { withdrawn: 1 }, failed: [] });
    expect((await run('status')).stdout).toMatch(/^Transactions: .*, 1 withdrawn$/m);
    expect((await run('explain', 't-typo')).stdout).toMatch(/withdrawn +\S+Z by \S+@\S+: typing error/);
    expect(await run('reprocess', '--transaction', 't-typo')).toMatchObject({
      code: 3,
      stdout: 'Nothing matches.\n',
      stderr: expect.stringContaining('idscan-ledger enqueue') as string,
    });
    expect((await run('worker', '--until-idle')).code).toBe(0);
    expect(await run('close', '2026-10')).toMatchObject({ code: 0 });

    expect((await run('enqueue', 't-typo')).stdout).toContain('1 accepted');
    expect((await run('explain', 't-typo')).stdout).toMatch(/put back +\S+Z by command_line/);
  },
);
