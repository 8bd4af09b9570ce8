import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { runCli } from '../../support/cli.ts';
import { storedMonth } from './books.ts';

vi.setConfig({ testTimeout: 180_000 });

const masterIn = (text: string): Buffer => Buffer.from(text, 'base64');
const keyIn = (stdout: string): string => /^[A-Za-z0-9+/]{43}=$/m.exec(stdout)?.[0] ?? '';

test('keys are sealed to another master, workers with the former one are refused, and the former one opens nothing', async () => {
  const { run, rows, environment, simulator } = await storedMonth();
  const secret = path.join(environment.folder, '2027.key');
  const made = await run(['documents', 'key', '--out', secret]);
  expect(made.code).toBe(0);
  expect((await stat(secret)).mode & 0o777).toBe(0o600);
  expect(await run(['documents', 'key', '--out', secret])).toMatchObject({ code: 3 });
  const next = keyIn(made.stdout);
  const before = await rows<{ id: string }>('select id from document_keys order by 1');

  const wrong = { ...environment, DOCUMENTS_SECRET_KEY_FILE: secret };
  expect(await runCli(['documents', 'rotate', '--to', next], wrong)).toMatchObject({ code: 1 });
  expect(await rows('select from document_masters where retired_at is not null')).toEqual([]);

  // No public key, whatever its form.
  const zeros = Buffer.alloc(32).toString('base64');
  expect(await run(['documents', 'rotate', '--to', zeros])).toMatchObject({ code: 2 });
  const sealingToZeros = { ...environment, DOCUMENTS_PUBLIC_KEYS: zeros };
  const unusable = await runCli(['worker', '--until-idle'], sealingToZeros);
  expect(unusable.stderr).toContain('(config_invalid)');
  // The clock was moved back since.
  await rows(`update document_masters set in_use_since = now() + interval '1 hour' where in_use_since is not null`);
  // A mistyped key looks like another one, and nobody would ever read a document again.
  const unseen = await run(['documents', 'rotate', '--to', next]);
  expect(unseen).toMatchObject({ code: 3 });
  expect(unseen.stderr).toContain('(blocked)');
  expect(await rows('select count(*)::int as keys from document_keys where master = $1', [masterIn(next)])).toEqual([
    { keys: 0 },
  ]);
  const elsewhere = ['documents', 'rotate', '--to', `${next}, ${next}`, '--secret-elsewhere'];
  expect(await run(elsewhere)).toMatchObject({ code: 0 });
  expect(await rows('select id, master, octet_length(sealed) as length from document_keys order by id')).toEqual(
    before.map(({ id }) => ({ id, master: masterIn(next), length: 80 })),
  );
  const refused = await run(['worker', '--until-idle']);
  expect(refused.code).toBe(3);
  expect(refused.stderr).toContain(`DOCUMENTS_PUBLIC_KEYS=${next}`);
  const rotated = { ...environment, DOCUMENTS_PUBLIC_KEYS: next };
  await runCli(['reprocess', '--file', '-', '--only', 'documents'], rotated, simulator.idsCsv());
  expect((await runCli(['worker', '--until-idle'], rotated)).code).toBe(0);

  // Back again, to two at once.
  const former = keyIn(await publicKeyOf(environment));
  const both = await runCli(['documents', 'rotate', '--to', `${next},${former}`], wrong);
  expect(both).toMatchObject({ code: 0 });
  expect(await rows('select count(distinct id)::int as keys, count(*)::int as seals from document_keys')).toEqual([
    { keys: before.length, seals: 2 * before.length },
  ]);
});

async function publicKeyOf(environment: Readonly<Record<string, string>>): Promise<string> {
  const { pairOf } = await import('../../../src/store/encryption/keys.ts');
  const file = path.join(environment['IDSCAN_DATA_DIR'] ?? '', 'keys', 'documents.key');
  return pairOf(Buffer.from(await readFile(file, 'utf8'), 'base64')).publicKey.toString('base64');
}
