import { expect, test } from 'vitest';
import { createCliEnvironment, runCli } from '../support/cli.ts';
import { withSimulator } from '../support/simulator.ts';
import { reportHashes } from '../jobs/custody/books.ts';

const isFull = process.env['CHAOS'] === 'full';
const transactions = isFull ? 10_000 : 60;

test.each(isFull ? [1, 2, 3] : [1])(
  'every report comes out byte for byte as before once all documents are erased, also while they are: seed %i',
  { timeout: isFull ? 3_600_000 : 300_000 },
  async (seed) => {
    const { simulator, vendor } = await withSimulator({
      seed,
      transactions,
      filesPerResult: 1,
      fileBytes: 512,
      unknownCodeShare: 0,
    });
    const prices = new URL('../../examples/prices.json', import.meta.url).pathname;
    const environment = await createCliEnvironment({ ...vendor, PRICES_FILE: prices });
    const run = async (args: string[], stdin?: string) => {
      const result = await runCli(args, environment, stdin);
      expect(result.code, `${args.join(' ')}: ${result.stderr}`).toBe(0);
    };
    const [closed, open] = ['2026-10', '2026-11'];
    await run(['enqueue', '-'], simulator.idsCsv());
    await run(['worker', '--until-idle']);
    const instant = new Date().toISOString();
    await run(['close', closed, '--begin-books', '--force', '--reason', 'a test']);
    const reports = [[closed], [closed, '--restated'], [open], [open, '--as-of', instant]];
    const written = async () => {
      for (const args of reports) await run(['report', ...args]);
      return reportHashes(environment);
    };
    const before = await written();
    expect(Object.keys(before).length).toBeGreaterThan(2 * reports.length);
    const everything = `transaction_id\n${simulator.transactions.map(({ transactionId }) => transactionId).join('\n')}\n`;
    await Promise.all([run(['erase', '--file', '-', '--reason', 'all', '--now'], everything), run(['report', open])]);
    expect(await written()).toEqual(before);
    await run(['worker', '--until-idle']);
    expect(await written()).toEqual(before);
    const { stdout } = await runCli(['status', '--json'], environment);
    expect(JSON.parse(stdout)).toMatchObject({ custody: { closed: 0, destroyed: transactions } });
  },
);
