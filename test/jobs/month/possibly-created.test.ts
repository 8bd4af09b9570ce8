import { expect, test } from 'vitest';
import { asJson } from '../../../src/cli/report.ts';
import { reportText } from '../../../src/cli/report-text.ts';
import { resolveCreation } from '../../../src/db/creation-resolutions.ts';
import { intend, possiblyCreated, recordFailed } from '../../../src/db/creations.ts';
import { html } from '../../../src/http/pages/html.ts';
import { notices } from '../../../src/http/pages/month-notices.ts';
import type { Context } from '../../../src/jobs/context.ts';
import { readMonth } from '../../../src/jobs/month/month-figures.ts';
import { writeReport } from '../../../src/jobs/month/write-report.ts';
import { asOwner, createTestContext } from '../../support/books.ts';
import { bookkeeper, closeOrFail } from '../../support/closing.ts';
import { asRole } from '../../support/roles.ts';
import { noEarlierThan } from '../../support/instants.ts';

/** October has an attempt; a creation that was asked for at `askedAt` has no answer. */
async function books(askedAt: string) {
  const context: Context = { ...(await createTestContext()), now: noEarlierThan('2027-01-01T00:00:00Z') };
  const { kysely } = context.db;
  await bookkeeper(context)('t-1');
  const wish = { idempotencyKey: null, requestSha256: null, reference: 'shop', askedBy: 'a test' };
  const { creation } = await intend(kysely, wish);
  await recordFailed(kysely, creation.id, 'vendor_timeout', false);
  await asRole(asOwner(context.config.databaseUrl), `update creations set asked_at = '${askedAt}'`);
  const page = async (period: string) =>
    html`${notices(await readMonth(context, period))}`.markup.replaceAll(/\s+/g, ' ');
  return { context, creation, page };
}

const words = '1 transaction was asked for, and no answer came';

test('a month says that something may have been created in it, when it is written, closed and looked at', async () => {
  const { context, creation, page } = await books('2026-10-20T10:00:00Z');
  const text = async (period: string) =>
    reportText(await writeReport(context, period), { now: context.now() }).join('\n');
  expect(await text('2026-10')).toContain(words);
  expect(await page('2026-10')).toContain(words);
  const closed = await closeOrFail(context, '2026-10');
  expect(reportText(closed, { now: context.now() }).join('\n')).toContain(words);
  expect(JSON.parse(asJson(closed))).toMatchObject({ possibly_created: 1 });
  expect(closed.manifestText).not.toContain('possibly_created');
  expect(await page('2026-10')).toContain(words);
  expect(await text('2026-11')).not.toContain('asked for');
  expect(await page('2026-11')).not.toContain('asked for');
  const found = { transactionId: null, by: 'anna', resolution: 'the portal' };
  expect(await resolveCreation(context.db, creation.id, found, 0)).toBe('resolved');
  expect(await possiblyCreated(context.db.kysely, 9)).toEqual([]);
  expect(await text('2026-10')).not.toContain('asked for');
  expect(await page('2026-10')).not.toContain('asked for');
});

test.each([
  ['2026-10-31T23:59:59.999Z', [1, 1, 0]],
  ['2026-10-31T00:00:00Z', [1, 1, 0]],
  ['2026-10-30T23:59:59.999Z', [1, 0, 0]],
  ['2026-11-01T00:00:00Z', [0, 1, 0]],
] as const)('what was asked for at %s may be of the months in which it could be performed', async (askedAt, counts) => {
  const { context } = await books(askedAt);
  const found = [];
  for (const period of ['2026-10', '2026-11', '2026-12'])
    found.push((await writeReport(context, period)).possiblyCreated);
  expect(found).toEqual(counts);
});
