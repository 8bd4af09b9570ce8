import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import type { TaskFacts, TransactionFacts } from '../../src/domain/facts.ts';
import { readRuleTables } from '../../src/reference-data/rule-tables.ts';
import { atEnd } from '../support/books.ts';
import { createCliEnvironment, runCli } from '../support/cli.ts';
import { faceTask, facts, fetchedOf, register, scan, scanTask } from '../support/facts.ts';
import { recordFetched } from '../support/single.ts';

type Told = readonly [day: number, codes: readonly (string | null)[], invoiced: number | null];

const at = (day: number, minute: number): string => new Date(Date.UTC(2026, 9, day, 10, minute)).toISOString();

/** Books of October 2026: of each transaction the day, the codes of its scans, and the vendor's counter. */
async function booksOf(told: readonly Told[]) {
  const environment = await createCliEnvironment();
  const db = openDatabase(environment['DATABASE_URL'] ?? '');
  atEnd(db.close);
  const keep = async (id: string, of: Partial<TransactionFacts>, fetchedAt = '2026-12-01T00:00:00Z') => {
    await register(db, id);
    await recordFetched(db.kysely, fetchedOf(facts(id, of), { fence: '1', fetchedAt: new Date(fetchedAt) }), 0);
  };
  const keepScans = (id: string, [day, codes, attemptsInvoiced]: Told, more: Partial<TaskFacts> = {}) =>
    keep(id, {
      createdAt: new Date(at(day, 0)),
      completedAt: new Date(at(day, 30)),
      tasks: [
        scanTask(
          codes.map((code, index) => scan(at(day, index + 1), code)),
          { attemptsInvoiced, ...more },
        ),
        faceTask('face_liveness'),
      ],
    });
  for (const [index, one] of told.entries()) await keepScans(`t-${String(index).padStart(3, '0')}`, one);
  const run = (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    runCli(['rules', 'learn', ...args], { ...environment, ...more });
  return { environment, keep, keepScans, run };
}

const repeated = (times: number, one: (index: number) => Told): Told[] =>
  Array.from({ length: times }, (_, index) => one(index));

test('counters that agree with the rules prove them, and what says nothing is left out and counted', async () => {
  const { keep, keepScans, run } = await booksOf([
    [5, [null], 1],
    [6, ['unknown_type_front', null], 1],
    [7, ['unknown_type_back', 'age_criteria_not_met'], 1],
  ]);
  await keepScans('without-counter', [8, ['processed_by_hand'], null]);
  await keepScans('not-listed', [8, ['processed_by_hand'], 1], { attempts: 2 });
  await keep(
    'not-settled',
    { state: 'pending', completedAt: null, tasks: [scanTask([scan(at(5, 5), 'unheard_of')])] },
    at(5, 6),
  );
  await keep('across', {
    tasks: [scanTask([scan('2026-10-31T23:59:00Z', 'late'), scan('2026-11-01T00:01:00Z', null)])],
  });

  const { code, stdout } = await run(['2026-10', '2026-10']);
  expect(code, stdout).toBe(0);
  expect(stdout).toContain('2026-10-01 to 2026-10-31, days in UTC: the counters of 3 tasks against id-scan-1');
  expect(stdout).toContain(
    'Left out: 1 not settled, 1 without a counter, 1 not listed scan by scan, 1 with scans on days outside.',
  );
  expect(stdout).toContain('No counter contradicts the rule table.');
  expect(stdout).toMatch(/document_scan +success +charged +charged +t-000$/m);
  expect(stdout).toMatch(/document_scan +unknown_type_front +not charged +not charged +t-00[01], t-00[01]$/m);
  expect(stdout).toMatch(
    /document_scan +unknown_type_back +not charged +undetermined: the counters fit either way \(1 task\)$/m,
  );
  expect(stdout).not.toMatch(/processed_by_hand|unheard_of|late|face_liveness/);
  expect(stdout).toContain('Nothing to propose.');
});

test('a code that is charged otherwise, and one without a rule, are proven, said first, and proposed', async () => {
  const { environment, run } = await booksOf([
    ...repeated(4, (index): Told => [5 + index, [null], 1]),
    ...repeated(4, (index): Told => [9 + index, ['unknown_type_back'], 1]),
    [20, ['unreadable_glare', null], 1],
  ]);
  const out = path.join(environment.folder, 'proposed.json');
  const { code, stdout } = await run(['2026-10-01', '2026-10-31', '--out', out]);
  expect(code, stdout).toBe(1);
  expect(stdout).toContain(
    'The counters of 4 tasks contradict the rule table, the first on 2026-10-09: t-004 and others',
  );
  expect(stdout.split('\n').find((line) => line.startsWith('document_scan'))).toMatch(
    /unknown_type_back +not charged +CHARGED since 2026-10-09 +t-004 \(4 alike\)$/,
  );
  expect(stdout).toMatch(/unreadable_glare +no rule +not charged +t-008, t-000$/m);
  expect(stdout).toContain(`Proposed rule table in ${out}.`);

  const [earlier, table] = readRuleTables(out).content;
  expect(earlier).toMatchObject({ version: 'id-scan-1', effectiveFrom: '2015-01-01', effectiveTo: '2026-10-01' });
  expect(table).toMatchObject({ version: 'id-scan-1-learned', effectiveFrom: '2026-10-01', effectiveTo: null });
  const ruleOf = (name: string) => table?.rules.find(({ outcomeCode }) => outcomeCode === name)?.invoiced;
  expect([ruleOf('unknown_type_back'), ruleOf('unreadable_glare'), ruleOf('unknown_type_front')]).toEqual([
    true,
    false,
    false,
  ]);
  expect(table?.executedTasks).toHaveLength(2);
  expect((await run(['2026-10', '2026-10'], { RULES_FILE: out })).code).toBe(0);

  const before = await readFile(out);
  expect(await run(['2026-10', '2026-10', '--out', out])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('is there already') as string,
  });
  expect(await readFile(out)).toEqual(before);
});

test('a change in mid-month is found with its day, and becomes a table of its own', async () => {
  const { environment, run } = await booksOf(
    repeated(60, (index): Told => {
      const day = 1 + (index % 30);
      const isCharged = day >= 17 ? 1 : 0;
      return index < 30 ? [day, ['unknown_type_front'], isCharged] : [day, [null, 'unknown_type_front'], 1 + isCharged];
    }),
  );
  const out = path.join(environment.folder, 'proposed.json');
  const { code, stdout } = await run(['2026-10', '2026-10', '--out', out]);
  expect(code).toBe(1);
  expect(stdout).toContain('The charges changed on 2026-10-17.');
  expect(stdout).toMatch(/Before 2026-10-17:[^]*unknown_type_front +not charged +not charged[^]*From 2026-10-17 on:/);
  expect(stdout).toMatch(/From 2026-10-17 on:[^]*unknown_type_front +not charged +CHARGED since 2026-10-17/);
  expect(
    readRuleTables(out).content.map(({ version, effectiveFrom, effectiveTo }) => [version, effectiveFrom, effectiveTo]),
  ).toEqual([
    ['id-scan-1', '2015-01-01', '2026-10-17'],
    ['id-scan-1-learned', '2026-10-17', null],
  ]);
  expect((await run(['2026-10', '2026-10'], { RULES_FILE: out })).code).toBe(0);
});

test('a single wrong counter is named as contradicting the others, and changes no rule', async () => {
  const { run } = await booksOf([
    ...repeated(20, (index): Told => [1 + index, ['unknown_type_front'], 0]),
    [25, ['unknown_type_front'], 1],
    [26, [null], 2],
  ]);
  const { code, stdout } = await run(['2026-10', '2026-10', '--json']);
  expect(code).toBe(1);
  const { stretches, proposal } = JSON.parse(stdout) as {
    stretches: { against: object; spans: { codes: object[]; contradictions: { set_aside: object[] }[] }[] }[];
    proposal?: unknown;
  };
  expect(proposal).toBeUndefined();
  expect(stretches[0]?.against).toMatchObject({
    tasks: 2,
    first_day: '2026-10-25',
    transaction_ids: ['t-020', 't-021'],
  });
  const [span] = stretches[0]!.spans;
  expect(span?.contradictions.flatMap(({ set_aside }) => set_aside)).toMatchObject(
    expect.arrayContaining(
      [{ transaction_id: 't-020' }, { transaction_id: 't-021' }].map((one) => expect.objectContaining(one) as object),
    ) as object[],
  );
  expect(span?.codes).toContainEqual(
    expect.objectContaining({ code: 'unknown_type_front', charged: false, contradicts_table: false }),
  );
});

test('wrong months and days are refused, and months without counters say nothing', async () => {
  const { run } = await booksOf([]);
  for (const wrong of [['2026-13', '2026-10'], ['2026-10', '2026-02-30'], ['2026-10', '2026-09'], ['2026-10']])
    expect((await run(wrong)).code, wrong.join(' ')).toBe(2);
  expect(await run(['2026-10', '2026-10'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('the counters of 0 tasks') as string,
  });
});
