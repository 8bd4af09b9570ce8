import { expect, test } from 'vitest';
import { withSimulator } from '../support/simulator.ts';
import { type Ask, judge } from './oracle.ts';

const month = '2026-10';
const { simulator } = await withSimulator({ transactions: 40, filesPerResult: 1 });
const nothing = { lost: [], doubled: [], different: [] };

type Attempt = ReturnType<typeof attempts>[number];

const attempts = () =>
  simulator.invoice().lines.map((line) => ({
    transaction_id: line.transactionId,
    task_type: line.taskType,
    ordinal: line.attempt,
    code: line.code,
    invoiced: line.invoiced,
    level: line.level,
  }));

const files = () =>
  simulator.transactions
    .filter(({ resultId }) => resultId !== null)
    .flatMap(({ transactionId, resultFiles, hasAuditReport }) => [
      { transaction_id: transactionId, kind: 'document', files: resultFiles },
      { transaction_id: transactionId, kind: 'audit_report', files: hasAuditReport ? 1 : 0 },
    ]);

/** Answers as books would that hold these. */
function books(stored: Attempt[], of: { files?: object[]; transactions?: object[]; undone?: object[] } = {}): Ask {
  const all = simulator.transactions.map(({ transactionId, resultId }) => ({ id: transactionId, result_id: resultId }));
  const tables: [string, object[]][] = [
    ['from attempts', stored],
    ['from files', of.files ?? files()],
    ['from transactions', of.transactions ?? all],
    ['from obligations', of.undone ?? []],
  ];
  return (text) => Promise.resolve(tables.find(([words]) => text.includes(words))?.[1] as never);
}

test('books that are the vendor’s own are found to be so', async () => {
  expect(attempts().length).toBeGreaterThan(40);
  expect(await judge(simulator, books(attempts()), month)).toEqual(nothing);
});

test('an attempt that is missing is lost, one that is there twice is doubled', async () => {
  const [first, ...rest] = attempts();
  expect(await judge(simulator, books(rest), month)).toMatchObject({ lost: [expect.any(String)], doubled: [] });
  expect(await judge(simulator, books([first!, first!, ...rest]), month)).toMatchObject({
    lost: [],
    doubled: [expect.any(String)],
  });
});

test('one more attempt than the vendor has is doubled, and one that says something else is different', async () => {
  const [first, ...rest] = attempts();
  const more = { ...first!, ordinal: 99 };
  expect((await judge(simulator, books([first!, more, ...rest]), month)).doubled).toHaveLength(1);
  const other = { ...first!, invoiced: first!.invoiced !== true };
  expect(await judge(simulator, books([other, ...rest]), month)).toMatchObject({
    lost: [],
    different: [expect.any(String)],
  });
});

test('a file, a transaction and an obligation that are missing are lost', async () => {
  const [, ...fewerFiles] = files();
  const [, ...fewerTransactions] = simulator.transactions.map((one) => ({
    id: one.transactionId,
    result_id: one.resultId,
  }));
  const undone = [{ transaction_id: 'T-1', kind: 'result' }];
  for (const of of [{ files: fewerFiles }, { transactions: fewerTransactions }, { undone }])
    expect(await judge(simulator, books(attempts(), of), month)).toMatchObject({ lost: [expect.any(String)] });
});
