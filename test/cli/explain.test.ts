import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { explanationLines } from '../../src/cli/explain-text.ts';
import { asSnakeCaseJson } from '../../src/cli/output.ts';
import { explain } from '../../src/jobs/explain/explain.ts';
import type { Explanation } from '../../src/jobs/explain/explanation.ts';
import { createCliEnvironment, runCli } from '../support/cli.ts';
import { closeOrFail } from '../support/closing.ts';
import { explainedBooks } from '../support/explaining.ts';
import { faceTask, register, scan, scanTask } from '../support/facts.ts';

const id = '11111111-2222-4333-8444-555555555555';
const examples = path.join(import.meta.dirname, '../../examples');

/** What Postgres' clock, the rules and the prices give, replaced by what is the same in every run. */
function pinned<T>(value: T, key = '', isWork = false): T {
  const clocks = ['registeredAt', 'receivedAt', 'closedAt', 'firstSeenAt', 'recordedAt', 'since', 'nextLookAt'];
  const isClock = value instanceof Date && (isWork || clocks.includes(key));
  if (isClock) return new Date('2026-11-23T01:02:03Z') as T;
  if (typeof value === 'string' && key.endsWith('Sha256')) return '0123456789abcdef'.repeat(4) as T;
  if (typeof value === 'string' && key === 'sha256') return 'fedcba9876543210'.repeat(4) as T;
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map((one: unknown) => pinned(one, key, isWork || key === 'work')) as T;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, pinned(one, name, isWork)])) as T;
}

/** A transaction with a bit of everything: a correction that is booked, a late change, a file, a failure. */
async function corrected(): Promise<Explanation> {
  const { context, look } = await explainedBooks();
  await register(context.db, id, 'result-1');
  const first = scan('2026-10-05T10:01:00Z', 'unknown_type_front', { linked: null });
  const looked = (code: string | null, at = '2026-10-05T10:02:00Z') =>
    look(id, { tasks: [scanTask([first, scan(at, code)], { attemptsInvoiced: 1 }), faceTask('face_match')] });
  await looked('new_code');
  await closeOrFail(context, '2026-10', 'ticket 4711');
  await looked('age_criteria_not_met');
  await closeOrFail(context, '2026-11');
  await looked('unknown_type_back');
  const { kysely } = context.db;
  await kysely
    .insertInto('files')
    .values({
      transaction_id: id,
      kind: 'document',
      origin: 'result',
      position: 0,
      state: 'gone',
      category: 'document',
      type: 'front\u202e',
      name: 'never shown',
      error_code: 'vendor_gone',
    })
    .execute();
  await kysely
    .insertInto('obligations')
    .values({ transaction_id: id, kind: 'documents', sweep_at: new Date() })
    .execute();
  await kysely
    .updateTable('obligations')
    .set({ attempts_made: 3, last_error_code: 'vendor_timeout', last_error_at: new Date() })
    .where('kind', '=', 'documents')
    .execute();
  return pinned(await explain({ ...context, config: { ...context.config, fetchDocuments: false } }, 'result-1'));
}

describe('an explanation', () => {
  test('as text and as JSON is the one kept beside this test', async () => {
    const explanation = await corrected();
    await expect(`${explanationLines(explanation).join('\n')}\n`).toMatchFileSnapshot('explain.golden.txt');
    await expect(`${asSnakeCaseJson(explanation)}\n`).toMatchFileSnapshot('explain.golden.json');
  });

  test('cannot steer a terminal, whatever the vendor sent', async () => {
    const { context, look } = await explainedBooks();
    const hostile = 'a\u001b[2J\u009b31m\u202ex\u{e0041}';
    await look(id, { state: 'b\u202e', tasks: [scanTask([], { type: 'c\u2066' })] });
    const explanation = await explain(context, id);
    const { transaction } = explanation;
    const more = { ...explanation, transaction: { ...transaction, state: hostile }, requests: [] };
    const text = explanationLines(more).join('\n');
    const json = asSnakeCaseJson(more);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(json.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect((JSON.parse(json) as { transaction: { state: string } }).transaction.state).toBe(hostile);
  });
});

describe('explain', () => {
  test('prints a transaction, found by its result in capitals, and ends with 0', async () => {
    const environment = await createCliEnvironment({ PRICES_FILE: path.join(examples, 'prices.json') });
    const result = 'AAAAAAAA-2222-4333-8444-555555555555';
    await runCli(['enqueue', id, result], environment);
    const text = await runCli(['explain', result], environment);
    expect(text, text.stderr).toMatchObject({ code: 0, stderr: '' });
    expect(text.stdout).toMatch(new RegExp(`^Transaction ${id}\n`));
    const json = await runCli(['explain', id, '--json'], environment);
    expect(JSON.parse(json.stdout)).toMatchObject({
      format: 'idscan-ledger-explanation-1',
      asked: { found_as: 'transaction' },
      transaction: { id, result_id: result.toLowerCase(), state: null, settlement: 'not_fetched' },
      attempts: [],
    });
  });

  test.each(['unknown-1', "x' or true --", '\u001b]0;owned\u0007'])(
    'of %j ends with 1 and says so',
    async (unknown) => {
      const environment = await createCliEnvironment();
      const { code, stdout, stderr } = await runCli(['explain', unknown], environment);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain('(transaction_unknown)');
      expect(stderr).not.toMatch(/owned|or true|\u001b/);
    },
  );
});

test('a time that changed within a closed month is no correction, and both times are shown', async () => {
  const { context, look } = await explainedBooks();
  const at = (minute: string) => look(id, { tasks: [scanTask([scan(`2026-10-05T10:${minute}:00Z`, null)])] });
  await at('05');
  await closeOrFail(context, '2026-10');
  await at('06');
  const explanation = await explain(context, id);
  expect(explanation.attempts.map(({ lines }) => lines.map(({ status, quantity }) => [status, quantity]))).toEqual([
    [['booked', 1]],
  ]);
  const text = explanationLines(explanation).join('\n');
  expect(text).toContain('success, 2026-10-05T10:06:00Z');
  expect(text).toContain('+1: success, at 2026-10-05T10:05:00Z, invoiced');
  expect(text).toContain('No booked line changes by it.');
});
