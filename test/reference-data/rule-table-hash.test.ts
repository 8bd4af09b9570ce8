import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RuleTable } from '../../src/domain/classify.ts';
import { ruleTableHash } from '../../src/reference-data/rule-table-hash.ts';
import { parseRuleTables, readRuleTables } from '../../src/reference-data/rule-tables.ts';

const shipped = readRuleTables(fileURLToPath(new URL('../../rules/id-scan.json', import.meta.url)));
const table = shipped.content[0]!;

test('the hash of the shipped table is the one that databases hold', () => {
  expect(ruleTableHash(table)).toBe('ea6aed8100d61292a5f9710239f8e84ae9b19623fa5942260e9c773555718a87');
});

test('neither its end, nor the order of keys and rules, nor where it was read from change the hash', () => {
  const hash = ruleTableHash(table);
  expect(ruleTableHash({ ...table, effectiveTo: '2027-01-01' })).toBe(hash);
  expect(ruleTableHash(parseRuleTables(shipped.bytes, 'a copy').content[0]!)).toBe(hash);
  const reversed = <T extends object>(value: T): T => Object.fromEntries(Object.entries(value).reverse()) as T;
  fc.assert(
    fc.property(fc.shuffledSubarray([...table.rules], { minLength: table.rules.length }), (rules) => {
      const executedTasks = table.executedTasks.toReversed().map(reversed);
      expect(ruleTableHash(reversed({ ...table, rules: rules.map(reversed), executedTasks }))).toBe(hash);
    }),
  );
});

test('anything else changes it', () => {
  const [first, ...rest] = table.rules;
  const others: RuleTable[] = [
    { ...table, version: 'id-scan-2' },
    { ...table, effectiveFrom: '2015-01-02' },
    { ...table, source: '' },
    { ...table, rules: rest },
    { ...table, rules: [...table.rules, first!] },
    { ...table, rules: [{ ...first!, invoiced: !first!.invoiced }, ...rest] },
    { ...table, rules: [{ ...first!, outcomeCode: 'null' }, ...rest] },
    { ...table, rules: [{ ...first!, taskType: 'face_match' }, ...rest] },
    { ...table, executedTasks: [] },
  ];
  expect(new Set([table, ...others].map(ruleTableHash)).size).toBe(others.length + 1);
});
