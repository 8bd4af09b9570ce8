import { expect, test } from 'vitest';
import { createCliEnvironment, runCli } from '../support/cli.ts';
import { withSimulator } from '../support/simulator.ts';

type StatusJson = {
  transactions: { missingResultId: number };
  files: { kind: string; state: string; count: number }[];
};

test('a completed transaction without a result ID is counted until it is enqueued with one, and its files come', async () => {
  const { simulator, vendor } = await withSimulator();
  const environment = await createCliEnvironment(vendor);
  const completed = simulator.transactions.filter(({ resultId }) => resultId !== null).slice(0, 3);
  const csv = (withResult: boolean) =>
    [
      'transaction_id,result_id',
      ...completed.map((one) => `${one.transactionId},${withResult ? one.resultId : ''}`),
    ].join('\n');
  const worked = async (input: string) => {
    expect((await runCli(['enqueue', '-'], environment, input)).code).toBe(0);
    expect((await runCli(['worker', '--until-idle'], environment)).code).toBe(0);
    const text = (await runCli(['status'], environment)).stdout;
    return { text, json: JSON.parse((await runCli(['status', '--json'], environment)).stdout) as StatusJson };
  };
  const without = await worked(csv(false));
  expect(without.json.transactions).toMatchObject({ missingResultId: 3 });
  expect(without.json.files).toEqual([]);
  expect(without.text).toMatch(/Files not fetched: 3 completed transactions have no result ID\.[^]*enqueue/);
  const unwanted = { ...environment, FETCH_DOCUMENTS: 'false', FETCH_AUDIT_REPORTS: 'false' };
  expect((await runCli(['status'], unwanted)).stdout).not.toContain('no result ID');
  const withThem = await worked(csv(true));
  expect(withThem.json.transactions).toMatchObject({ missingResultId: 0 });
  expect(withThem.text).not.toContain('no result ID');
  expect(
    withThem.json.files.some(({ kind, state, count }) => kind === 'document' && state === 'stored' && count > 0),
  ).toBe(true);
});
