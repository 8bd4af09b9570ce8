import { expect, test } from 'vitest';
import { createCliEnvironment, runCli, startCli } from '../support/cli.ts';
import { withSimulator } from '../support/simulator.ts';

type Run = {
  readonly args: string[];
  readonly code: number;
  readonly input?: string;
  readonly more?: Readonly<Record<string, string>>;
  readonly isRepeatable?: boolean;
};
const runProcess = (...given: Parameters<typeof startCli>) => startCli(...given).result;

/** Every command, in an order in which each has something to do. `demo` and `serve` go on in work and serve.test.ts. */
const runs = (idsCsv: string, transactionId: string): Run[] => [
  { args: ['migrate', 'status'], code: 0, isRepeatable: true },
  { args: ['enqueue', '-'], code: 0, input: idsCsv },
  { args: ['worker', '--until-idle'], code: 0 },
  { args: ['status'], code: 0 },
  { args: ['explain', transactionId], code: 0, isRepeatable: true },
  { args: ['reprocess', '--failed', '--dry-run'], code: 0, isRepeatable: true },
  { args: ['documents', 'verify'], code: 0 },
  { args: ['report', '2026-10'], code: 0 },
  { args: ['verify', 'reports/2026-10'], code: 0, isRepeatable: true },
  { args: ['reconcile', '2026-10'], code: 2, isRepeatable: true },
  { args: ['dispute', '2026-10'], code: 3, isRepeatable: true },
  { args: ['rules', 'learn', '2026-10', '2026-10'], code: 0, isRepeatable: true },
  { args: ['close', '2026-10', '--force'], code: 2, isRepeatable: true },
  { args: ['close', '2025-13'], code: 2, isRepeatable: true },
  { args: ['withdraw', transactionId, '--reason', 'a refusal'], code: 3, isRepeatable: true },
  { args: ['erase', '--transaction', transactionId], code: 2, isRepeatable: true },
  { args: ['hold', '--transaction', transactionId], code: 2, isRepeatable: true },
  { args: ['transactions', 'create'], code: 2, isRepeatable: true },
  { args: ['doctor'], code: 0 },
  { args: ['webhooks', 'register'], code: 2, isRepeatable: true },
  { args: ['serve'], code: 2, more: { HTTP_PORT: 'none' }, isRepeatable: true },
  { args: ['demo', '--transactions', '0'], code: 2, isRepeatable: true },
];

test(
  'every command ends as it should in a process of its own, and says the same in a shared one',
  { timeout: 900_000 },
  async () => {
    const { simulator, vendor } = await withSimulator({ transactions: 3 });
    const environment = await createCliEnvironment({
      ...vendor,
      PRICES_FILE: new URL('../../examples/prices.json', import.meta.url).pathname,
    });
    const all = runs(simulator.idsCsv(), simulator.transactions[0]!.transactionId);
    for (const { args, code, input, more, isRepeatable = false } of all) {
      const given = { ...environment, ...more };
      const own = await runProcess(args, given, input);
      expect({ args, ...own }).toMatchObject({ args, code });
      if (isRepeatable) expect({ args, ...(await runCli(args, given, input)) }).toEqual({ args, ...own });
    }
    const help = await runProcess(['--help'], environment);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(await runCli(['--help'], environment)).toEqual(help);
    const listed = [...help.stdout.matchAll(/^ {2}([a-z]+) .*/gm)].map(([, name]) => name);
    expect(new Set(listed.filter((name) => name !== 'help'))).toEqual(new Set(all.map(({ args }) => args[0])));
  },
);

test('a shared process keeps nothing of a command for the next one', async () => {
  const [one, other] = [await createCliEnvironment(), await createCliEnvironment()];
  expect((await runCli(['enqueue', '-'], one, 'transaction_id,result_id\na,\n')).code).toBe(0);
  expect((await runCli(['status'], { ...other, LOG_LEVEL: 'nonsense' })).code).toBe(2);
  const before = await runProcess(['status', '--json'], other);
  expect(await runCli(['status', '--json'], other)).toEqual(before);
  expect(JSON.parse(before.stdout)).toMatchObject({ transactions: { total: 0 } });
});
