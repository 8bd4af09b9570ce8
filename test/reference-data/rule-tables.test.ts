import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { inForceAt } from '../../src/domain/effective-dates.ts';
import { taskTypes } from '../../src/domain/facts.ts';
import { parseRuleTables, readRuleTables, ruleTablesFile } from '../../src/reference-data/rule-tables.ts';
import { dataFile, placesOf, problemsOf, without } from './support.ts';

const rule = (overrides: Record<string, unknown> = {}) => ({
  task_type: 'document_scan',
  outcome_code: 'processing',
  invoiced: false,
  ...overrides,
});
const table = (overrides: Record<string, unknown> = {}) => ({
  version: 'v1',
  effective_from: '2026-01-01',
  effective_to: null,
  source: 'the documentation',
  rules: [rule()],
  executed_tasks: [{ task_type: 'face_match', invoiced: true }],
  ...overrides,
});
const places = (...tables: unknown[]) => placesOf(readRuleTables, { tables });
const problems = (...tables: unknown[]) => problemsOf(readRuleTables, dataFile({ tables }));

describe('rule tables that are sound', () => {
  test('are read as they are written, with the hash of their very bytes', () => {
    const text = JSON.stringify({ tables: [table({ rules: [rule(), rule({ outcome_code: null, invoiced: true })] })] });
    const file = dataFile(text);
    expect(readRuleTables(file)).toEqual({
      path: file,
      sha256: createHash('sha256').update(text).digest('hex'),
      bytes: Buffer.from(text),
      content: [
        {
          version: 'v1',
          effectiveFrom: '2026-01-01',
          effectiveTo: null,
          source: 'the documentation',
          rules: [
            { taskType: 'document_scan', outcomeCode: 'processing', invoiced: false },
            { taskType: 'document_scan', outcomeCode: null, invoiced: true },
          ],
          executedTasks: [{ taskType: 'face_match', invoiced: true }],
        },
      ],
    });
  });

  test('may follow one another, in whatever order they are written', () => {
    const tables = [
      table({ version: 'v2', effective_from: '2026-07-01' }),
      table({ version: 'v1', effective_to: '2026-07-01' }),
    ];
    const { content } = readRuleTables(dataFile({ tables }));
    const versionAt = (instant: string) => inForceAt(content, new Date(instant), 'UTC')?.version;
    expect(versionAt('2026-06-30T23:59:59.999Z')).toBe('v1');
    expect(versionAt('2026-07-01T00:00:00.000Z')).toBe('v2');
  });

  test('are the shipped ones: every documented task type, in force for any time the vendor may name', () => {
    const shipped = fileURLToPath(new URL('../../rules/id-scan.json', import.meta.url));
    const { content, sha256 } = readRuleTables(shipped);
    expect(sha256).toBe(createHash('sha256').update(readFileSync(shipped)).digest('hex'));
    expect(content.map(({ version }) => version)).toEqual(['id-scan-1']);
    for (const instant of ['2015-01-02T00:00:00Z', '2026-10-01T00:00:00Z', '2099-12-31T00:00:00Z'])
      expect(inForceAt(content, new Date(instant), 'Pacific/Kiritimati')?.version).toBe('id-scan-1');
    const { rules, executedTasks } = content[0]!;
    expect([...new Set(rules.map(({ taskType }) => taskType))].sort()).toEqual([...taskTypes].sort());
    expect(executedTasks).toEqual([
      { taskType: 'face_liveness', invoiced: true },
      { taskType: 'face_match', invoiced: true },
    ]);
  });
});

test('rule tables are written a rule on a line, and read as what they were', () => {
  const head = { version: 'v1', effectiveFrom: '2026-01-01', effectiveTo: null, source: 'the "documentation"' };
  const tables = [
    { ...head, effectiveTo: '2026-07-01', rules: [], executedTasks: [{ taskType: 'face_match', invoiced: true }] },
    {
      ...head,
      version: 'v2',
      effectiveFrom: '2026-07-01',
      rules: [
        { taskType: 'document_scan', outcomeCode: null, invoiced: true },
        { taskType: 'document_scan', outcomeCode: 'x', invoiced: false },
      ],
      executedTasks: [],
    },
  ];
  expect(parseRuleTables(ruleTablesFile(tables), 'written').content).toEqual(tables);
  expect(ruleTablesFile(tables).toString()).toBe(`{
  "tables": [
    {
      "version": "v1",
      "effective_from": "2026-01-01",
      "effective_to": "2026-07-01",
      "source": "the \\"documentation\\"",
      "rules": [],
      "executed_tasks": [
        {"task_type":"face_match","invoiced":true}
      ]
    },
    {
      "version": "v2",
      "effective_from": "2026-07-01",
      "effective_to": null,
      "source": "the \\"documentation\\"",
      "rules": [
        {"task_type":"document_scan","outcome_code":null,"invoiced":true},
        {"task_type":"document_scan","outcome_code":"x","invoiced":false}
      ],
      "executed_tasks": []
    }
  ]
}
`);
});

describe('rule tables are refused', () => {
  test.each([
    ['version', ['', 'v 1', '=1', null, 1]],
    ['effective_from', ['2026-02-30', '2026-00-01', '01-01-2026', '', null]],
    ['effective_to', ['2027-02-29', 'never', '']],
    ['source', ['', null]],
    ['rules', [null, {}]],
    ['executed_tasks', [null, 'face_match']],
  ])('for a %s that is none', (key, values) => {
    for (const value of values) expect(places(table({ [key]: value }))).toEqual([`tables.0.${key}`]);
    // Nor is the second one told that it repeats the first.
    const twice = places(table({ [key]: values.at(-1) }), table({ [key]: values.at(-1) }));
    expect(twice.filter((place) => place.endsWith(key))).toEqual([`tables.0.${key}`, `tables.1.${key}`]);
  });

  test.each([
    ['task_type', ['', null, 1, 'x'.repeat(201)]],
    ['outcome_code', ['', 0, false, 'x'.repeat(201)]],
    ['invoiced', ['true', 'yes', 1, null]],
  ])('for a rule whose %s is none: null alone stands for success', (key, values) => {
    for (const value of values)
      expect(places(table({ rules: [rule(), rule({ outcome_code: 'other', [key]: value })] }))).toEqual([
        `tables.0.rules.1.${key}`,
      ]);
  });

  test('for keys that they do not have, wherever', () => {
    const odd = table({
      comment: 'x',
      rules: [rule({ price: '1' })],
      executed_tasks: [{ task_type: 'a', invoiced: true, state: 'x' }],
    });
    expect(placesOf(readRuleTables, { tables: [odd], version: 1 })).toEqual([
      'tables.0.comment',
      'tables.0.executed_tasks.0.state',
      'tables.0.rules.0.price',
      'version',
    ]);
  });

  test.each(['version', 'effective_from', 'effective_to', 'source', 'rules', 'executed_tasks'])('without %s', (key) => {
    expect(places(without(table(), key))).toEqual([`tables.0.${key}`]);
  });

  test('without any table', () => {
    expect(places()).toEqual(['tables']);
    expect(placesOf(readRuleTables, {})).toEqual(['tables']);
    expect(placesOf(readRuleTables, [])).toEqual(['the file']);
  });

  test('for gaps and overlaps between them, with their dates', () => {
    expect(
      problems(
        table({ version: 'a', effective_to: '2026-02-01' }),
        table({ version: 'b', effective_from: '2026-03-01', effective_to: '2026-06-02' }),
        table({ version: 'c', effective_from: '2026-06-01' }),
      ),
    ).toEqual([
      expect.stringMatching(/gap .*2026-02-01.*2026-03-01/),
      expect.stringMatching(/overlap .*2026-06-01.*2026-06-02/),
    ]);
  });

  test('for a gap, the lines in order, whichever table is written first', () => {
    const tables = [table({ effective_from: '2026-03-01' }), table({ version: 'v0', effective_to: '2026-02-01' })];
    expect(problemsOf(readRuleTables, dataFile(JSON.stringify({ tables }, null, 1)))).toEqual([
      expect.stringMatching(/^3: tables\.0: rule tables: gap .*entries on lines 3 and \d\d\)$/),
    ]);
  });

  test('not for a gap that a table with a malformed date may fill', () => {
    const [before, after] = [table({ effective_to: '2026-02-01' }), table({ effective_from: '2026-03-01' })];
    const between = table({ version: 'v2', effective_from: '2026-02-01', effective_to: '2026-02-30' });
    expect(places(before, between, { ...after, version: 'v3' })).toEqual(['tables.1.effective_to']);
  });

  test('for a version that occurs twice: a line names the version that decided it', () => {
    const found = problems(table({ effective_to: '2026-07-01' }), table({ effective_from: '2026-07-01' }));
    expect(found).toEqual([expect.stringContaining('v1')]);
  });

  test('for two rules on the same question, also where they agree', () => {
    const twice = table({
      rules: [rule(), rule({ outcome_code: null }), rule({ invoiced: true }), rule({ outcome_code: null })],
      executed_tasks: [
        { task_type: 'face_match', invoiced: true },
        { task_type: 'face_match', invoiced: true },
      ],
    });
    const more = 'more than one rule for';
    expect(problems(twice)).toEqual([
      expect.stringContaining(`tables.0.rules.2: table v1: ${more} document_scan, code processing`),
      expect.stringContaining(`tables.0.rules.3: table v1: ${more} document_scan, success`),
      expect.stringContaining(`tables.0.executed_tasks.1: table v1: ${more} face_match, executed`),
    ]);
    expect(problems({ ...twice, version: 7 })).toContainEqual(
      expect.stringContaining(`tables.0.executed_tasks.1: ${more} face_match, executed`),
    );
  });

  test('but not for two rules that name no question', () => {
    const [odd, executed] = [rule({ task_type: null }), { task_type: null, invoiced: true }];
    expect(places(table({ rules: [odd, odd], executed_tasks: [executed, executed] }))).toEqual([
      'tables.0.executed_tasks.0.task_type',
      'tables.0.executed_tasks.1.task_type',
      'tables.0.rules.0.task_type',
      'tables.0.rules.1.task_type',
    ]);
  });

  test('but not for rules that merely look alike', () => {
    const rules = [rule(), rule({ task_type: 'face_match' }), rule({ outcome_code: 'Processing' })];
    expect(readRuleTables(dataFile({ tables: [table({ rules })] })).content[0]?.rules).toHaveLength(3);
    const success = [rule({ outcome_code: null }), rule({ outcome_code: 'success' })];
    expect(readRuleTables(dataFile({ tables: [table({ rules: success })] })).content[0]?.rules).toHaveLength(2);
  });

  test('for two values of “invoiced” in one rule: neither may win silently', () => {
    const text = JSON.stringify({ tables: [table()] }).replace('"invoiced":false', '"invoiced":true,"invoiced":false');
    expect(problemsOf(readRuleTables, dataFile(text))).toHaveLength(1);
  });
});
