import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { asOwner, openTestDatabase } from '../support/books.ts';
import { booksInS3, keysIn, month, readMonth, writeMonth } from './report-books.ts';
import { bareClient, credentialsInEnvironment, ownUrl, refusal } from './support.ts';

credentialsInEnvironment();

/** Books that were set up by themselves. Those of tests are copies of one template. */
async function otherBooks(url: string) {
  const books = await booksInS3(url);
  const owner = await openTestDatabase(asOwner(books.context.config.databaseUrl ?? ''));
  await sql`alter table books disable trigger refuse_change`.execute(owner.kysely);
  await sql`update books set id = gen_random_uuid()`.execute(owner.kysely);
  await sql`alter table books enable trigger refuse_change`.execute(owner.kysely);
  return books;
}

test('other books publish nothing where reports lie, and doctor says so', async () => {
  const url = ownUrl();
  const first = await booksInS3(url);
  await writeMonth(first.context);
  const before = await readMonth(first.reports);
  const keys = await keysIn(first.address);
  const second = await otherBooks(url);
  await refusal(writeMonth(second.context), 'reports_mismatch');
  const { code, stderr } = await runCli(['report', month], second.environment);
  expect(code).toBe(3);
  expect(stderr).toContain('are not of these books');
  expect(stderr).toContain('(reports_mismatch)');
  const doctor = await runCli(['doctor'], second.environment);
  expect(doctor.stdout + doctor.stderr).toContain('are not of these books');
  expect(await keysIn(first.address)).toEqual(keys);
  expect(await readMonth(first.reports)).toEqual(before);
  // A copy of the first books, such as after a restore, goes on.
  await writeMonth((await booksInS3(url)).context);
  expect((await runCli(['report', month], first.environment)).code).toBe(0);
});

test('books that take the place of others publish once the note of the others is removed, not if it is damaged', async () => {
  const url = ownUrl();
  const first = await booksInS3(url);
  await writeMonth(first.context);
  const second = await otherBooks(url);
  const note = { Bucket: first.address.bucket, Key: `${first.address.prefix}reports.json` };
  await bareClient().putObject({ ...note, Body: '{}' });
  await refusal(writeMonth(second.context), 'reports_mismatch');
  await refusal(writeMonth(first.context), 'reports_mismatch');
  await bareClient().deleteObject(note);
  await writeMonth(second.context);
  await refusal(writeMonth(first.context), 'reports_mismatch');
});
