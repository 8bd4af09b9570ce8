import { expect, test } from 'vitest';
import { compareWithTable } from '../../../src/domain/rule-learning/compare.ts';
import { learnChange } from '../../../src/domain/rule-learning/learn.ts';
import { proposedTables } from '../../../src/domain/rule-learning/propose.ts';
import { parseRuleTables, readRuleTables, ruleTablesFile } from '../../../src/reference-data/rule-tables.ts';
import { observationsOf, type SimulatedTask } from './support-months.ts';

const shipped = readRuleTables(new URL('../../../rules/id-scan.json', import.meta.url).pathname).content;

test('a change that lies between two days leaves no gap between the proposed tables', () => {
  // The code occurs on every other day only, so that the change may be on either of two.
  const tasks = Array.from({ length: 60 }, (_, index): SimulatedTask => {
    const day = 1 + (index % 30);
    const code = day % 2 === 0 ? 'unknown_type_back' : null;
    const scan = { taskType: 'document_scan', code, level: 'advanced', linked: false, captureSource: 'camera' };
    return { scans: [scan], day, charged: code === null || day >= 15 ? 1 : 0 };
  });
  const observations = observationsOf(tasks, true);
  const learned = learnChange(observations);
  expect(learned?.change).toEqual({ earliest: '2026-10-15', latest: '2026-10-16' });
  const [table] = shipped;
  const comparison = compareWithTable(learned!, observations, table);
  const proposed = proposedTables(shipped, [{ table: table!, comparison }], 'A test.')!;
  const read = parseRuleTables(ruleTablesFile(proposed), 'the proposal').content;
  expect(read).toEqual(proposed);
  expect(read.map(({ version, effectiveFrom, effectiveTo }) => [version, effectiveFrom, effectiveTo])).toEqual([
    ['id-scan-1', '2015-01-01', '2026-10-16'],
    ['id-scan-1-learned', '2026-10-16', null],
  ]);
});

test('where nothing differs, nothing is proposed', () => {
  const [table] = shipped;
  const comparison = compareWithTable({ spans: [], change: undefined }, [], table);
  expect(proposedTables(shipped, [{ table: table!, comparison }], 'A test.')).toBeUndefined();
});
