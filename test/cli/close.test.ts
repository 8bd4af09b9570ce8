import { expect, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { atEnd } from '../support/books.ts';
import { createCliEnvironment, runCli } from '../support/cli.ts';
import { facts, fetchedOf, register, scan, scanTask } from '../support/facts.ts';
import { recordFetched } from '../support/single.ts';

/** Books of January 2026, which has ended whenever this runs: one attempt that is clear, one that no rule covers. */
async function january() {
  const environment = await createCliEnvironment({
    PRICES_FILE: new URL('../../examples/prices.json', import.meta.url).pathname,
  });
  const db = openDatabase(environment['DATABASE_URL'] ?? '');
  atEnd(db.close);
  let fence = 0;
  const look = async (id: string, code: string | null) => {
    await register(db, id);
    const of = facts(id, {
      createdAt: new Date('2026-01-05T10:00:00Z'),
      completedAt: new Date('2026-01-05T10:10:00Z'),
      tasks: [scanTask([scan('2026-01-05T10:05:00Z', code)])],
    });
    await recordFetched(db.kysely, fetchedOf(of, { fence: String((fence += 1)) }), 0);
  };
  await look('t-1', null);
  await look('t-2', 'never_seen');
  const close = (...args: string[]) => runCli(['close', ...args], environment);
  return { look, close };
}

test('what is called wrongly ends with 2 and changes nothing', { timeout: 60_000 }, async () => {
  const { close } = await january();
  for (const args of [
    ['2026-13'],
    ['2026-01', '--force'],
    ['2026-01', '--begin-books'],
    ['2026-01', '--reason', 'because'],
    [],
  ])
    expect({ args, code: (await close(...args)).code }).toEqual({ args, code: 2 });
});

test('blockers are listed and end it with 3; then it closes, once, and in order', { timeout: 120_000 }, async () => {
  const { look, close } = await january();
  const blocked = await close('2026-01');
  expect(blocked).toMatchObject({
    code: 3,
    stdout: expect.stringMatching(/unclassified +t-2 +.*never_seen/) as string,
  });
  expect(blocked.stderr).toContain('(blocked)');
  const asJson = await close('2026-01', '--json');
  expect(asJson.code).toBe(3);
  expect(JSON.parse(asJson.stdout)).toMatchObject({
    period: '2026-01',
    closed: false,
    counts: { unclassified: 1 },
    blockers: [{ kind: 'unclassified', subject: 't-2' }],
  });
  await look('t-2', 'unknown_type_back');
  const closed = await close('2026-01');
  expect(closed.code).toBe(0);
  expect(closed.stderr).toMatch(/^2 settled transactions are still to be fetched again[^\n]*\n$/);
  expect(closed.stdout).toContain('2026-01 is closed. Its manifest has the SHA-256 ');
  const refused = { '2026-01': 'period_closed', '2025-12': 'period_out_of_order', '2026-03': 'period_out_of_order' };
  for (const [period, code] of Object.entries({ ...refused, '2999-01': 'period_not_ended' }))
    expect(await close(period)).toMatchObject({ code: 3, stderr: expect.stringContaining(`(${code})`) as string });
});

test(
  'whatever refuses a close is said in a block of its own: what, what to do, the code',
  { timeout: 60_000 },
  async () => {
    const { close } = await january();
    const { code, stderr } = await close('2999-02');
    expect(code).toBe(3);
    expect(stderr.split('\n\n').map((block) => block.trimEnd().split('\n'))).toEqual([
      [
        expect.stringMatching(/^2999-02 cannot be closed before 2026-01, which is open: /),
        expect.stringMatching(/^Close 2026-01 first, /),
        '(period_out_of_order)',
      ],
      [expect.stringMatching(/^2999-02 has not ended: /), 'Close it then.', '(period_not_ended)'],
    ]);
  },
);
