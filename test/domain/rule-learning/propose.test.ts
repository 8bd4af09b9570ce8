import { expect, test } from 'vitest';
import { compareWithTable } from '../../../src/domain/rule-learning/compare.ts';
import { learn, learnChange } from '../../../src/domain/rule-learning/learn.ts';
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
  const proposed = proposedTables(shipped, [{ table: table!, comparison, firstDay: '2026-10-01' }], 'A test.')!;
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
  expect(proposedTables(shipped, [{ table: table!, comparison, firstDay: '2026-10-01' }], 'A test.')).toBeUndefined();
});

const scanOf = (code: string | null, more: object = {}) => ({
  ...{ taskType: 'document_scan', code, level: 'advanced', linked: false, captureSource: 'camera' },
  ...more,
});

test('of the days before the first one that was looked at, nothing is proposed', () => {
  const tasks = Array.from({ length: 30 }, (_, index): SimulatedTask => {
    const code = index % 2 === 0 ? 'unknown_type_back' : null;
    return { scans: [scanOf(code)], day: 1 + index, charged: 1 };
  });
  const observations = observationsOf(tasks, false);
  const [table] = shipped;
  const comparison = compareWithTable(learn(observations), observations, table);
  const boundsFrom = (firstDay: string) =>
    proposedTables(shipped, [{ table: table!, comparison, firstDay }], 'A test.')!.map((one) => [
      ...[one.version, one.effectiveFrom, one.effectiveTo],
    ]);
  expect(boundsFrom('2026-10-01')).toEqual([
    ['id-scan-1', '2015-01-01', '2026-10-01'],
    ['id-scan-1-learned', '2026-10-01', null],
  ]);
  expect(boundsFrom('2015-01-01')).toEqual([['id-scan-1-learned', '2015-01-01', null]]);
});

test('values are only proven together where they occur together', () => {
  const code = 'unknown_type_back';
  const tasks: SimulatedTask[] = [
    { scans: [scanOf(code, { level: 'advanced', linked: true })], day: 1, charged: 1 },
    { scans: [scanOf(code, { level: 'basic', linked: false })], day: 2, charged: 1 },
    { scans: [scanOf(code, { level: 'advanced', linked: false }), scanOf('other')], day: 3, charged: 1 },
  ];
  const [span] = learn(observationsOf(tasks, false)).spans;
  const finding = span?.codes.find((one) => one.code === code);
  expect(finding).toMatchObject({ charged: true, unproven: [{ level: 'advanced', linked: false }] });
});
