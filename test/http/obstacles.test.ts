import { beforeAll, expect, test } from 'vitest';
import { failObligation } from '../../src/db/obligations.ts';
import { periodOf } from '../../src/domain/billing-month.ts';
import { asOwner } from '../support/books.ts';
import { runCli } from '../support/cli.ts';
import { bookkeeper } from '../support/closing.ts';
import { register, scan, scanTask } from '../support/facts.ts';
import { asRole } from '../support/roles.ts';
import { startObligation } from '../support/single.ts';
import { prices } from './pages-books.ts';
import { bearer, startService, type TestService, tokens } from './support.ts';

type Closing = {
  readonly obstacles: { code: string; count: number; what: string; remedy: string; close_first: string | null }[];
  readonly blockers: { subject: string; command: string | null }[];
};

let service: TestService;
beforeAll(async () => {
  service = await startService({ PRICES_FILE: prices });
  await look('t-january', '2026-01-05', null);
  await look('t-february', '2026-02-05', 'never_seen');
  await look('t-march', '2026-03-05', null);
  await mistype('t-typo', '2026-01-20');
});

const look = (id: string, day: string, code: string | null): Promise<void> =>
  bookkeeper(service.context)(id, {
    createdAt: new Date(`${day}T10:00:00Z`),
    expiresAt: new Date(`${day}T12:00:00Z`),
    completedAt: new Date(`${day}T10:10:00Z`),
    tasks: [scanTask([scan(`${day}T10:05:00Z`, code)])],
  });

/** An ID for which the vendor answered 404, registered on a day. */
async function mistype(transactionId: string, day: string): Promise<void> {
  const { db } = service.context;
  await register(db, transactionId);
  const started = await startObligation(db.kysely, { transactionId, kind: 'result', generation: 1 }, 0);
  const failure = { code: 'vendor_not_found', counts: true, final: true, maxAttempts: 8, sweepAfterMs: 0 } as const;
  await failObligation(db.kysely, { transactionId, kind: 'result' }, started!.fence, failure);
  await asRole(
    asOwner(service.environment['DATABASE_URL']),
    `update transactions set registered_at = '${day}T00:00:00Z' where id = '${transactionId}'`,
  );
}

const readable = (html: string): string =>
  html
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ')
    .trim();

/** The rows of a table of a page: its cells as they are read, and where its links lead. */
function rowsOf(page: string, id: string): { cells: string[]; links: string[] }[] {
  const [, body = ''] = new RegExp(`<caption id="${id}">[\\s\\S]*?<tbody[^>]*>([\\s\\S]*?)</tbody>`).exec(page) ?? [];
  return body
    .split('</tr>')
    .slice(0, -1)
    .map((row) => ({
      cells: [...row.matchAll(/<t[dh][^>]*>([\s\S]*?)<\/t[dh]>/g)].map(([, cell]) => readable(cell!)),
      links: [...row.matchAll(/href="([^"]*)"/g)].map(([, link]) => link!),
    }));
}

/** What the command says and what the page shows of a month, in one form. */
async function bothOf(period: string, at: TestService) {
  const page = await at.ask(`/reports/${period}`, { headers: bearer(tokens.finance) });
  expect(page.status, period).toBe(200);
  const { stdout, code, stderr } = await runCli(['close', period, '--json'], at.environment);
  expect([2, 3], stderr).toContain(code);
  const { obstacles, blockers } = JSON.parse(stdout) as Closing;
  const said = obstacles.map(({ count, what, remedy, close_first: first }) => ({
    count: String(count),
    text: `${what} ${remedy}`,
    link: first === null ? [] : [`/reports/${first}#open-points`],
  }));
  const shown = rowsOf(page.text, 'open-points-counts').map(({ cells: [, count = '', text = ''], links }) => ({
    count,
    text: text.replace(/ Open points of \w+ \d{4}$/, ''),
    // What is counted in attempts leads to their list, too.
    link: links.filter((one) => !one.startsWith(`/reports/${period}/attempts?only=`)),
  }));
  const ids = {
    said: blockers.map(({ subject, command }) => [subject, command]),
    shown: rowsOf(page.text, 'open-points-first').map(({ cells: [subject, , detail = ''] }) => [
      subject,
      /npx .*$/.exec(detail)?.[0] ?? null,
    ]),
  };
  return { codes: obstacles.map(({ code: one }) => one), said, shown, ids, page: page.text };
}

/** @param environment a service of its own: one that runs shows a month for some seconds as it read it last. */
async function expectSame(period: string, codes: readonly string[], environment = service.environment) {
  const found = await bothOf(period, await startService(environment));
  expect(found.codes, period).toEqual(codes);
  expect(found.shown, period).toEqual(found.said);
  expect(found.ids.shown, period).toEqual(found.ids.said);
  return found;
}

test(
  'the command close and the month’s page say the same of what stands in the way',
  { timeout: 400_000 },
  async () => {
    const january = await expectSame('2026-01', ['failed']);
    expect(january.ids.said).toEqual([['t-typo', 'npx idscan-ledger withdraw t-typo --reason "…"']]);
    const february = await expectSame('2026-02', ['period_out_of_order', 'failed', 'unclassified']);
    expect(february.shown[0]?.link).toEqual(['/reports/2026-01#open-points']);
    await expectSame(periodOf(new Date(), 'UTC'), ['period_not_ended', 'period_out_of_order', 'failed']);

    expect((await runCli(['withdraw', 't-typo', '--reason', 'typing error'], service.environment)).code).toBe(0);
    expect((await runCli(['close', '2026-01'], service.environment)).code).toBe(0);
    const march = await expectSame('2026-03', ['period_out_of_order']);
    expect(march.shown[0]?.link).toEqual(['/reports/2026-02#open-points']);
    await look('t-december', '2025-12-05', 'never_seen');
    const passedOver = await expectSame('2025-12', ['period_out_of_order']);
    expect(passedOver.shown[0]?.link).toEqual([]);

    const elsewhere = { ...service.environment, BILLING_TIME_ZONE: 'Europe/Amsterdam' };
    await expectSame('2026-02', ['billing_time_zone_changed', 'unclassified'], elsewhere);
  },
);

test(
  'a month in which nothing happened has a page once it is the next to be closed',
  { timeout: 120_000 },
  async () => {
    const books = await startService({ PRICES_FILE: prices });
    const { context } = books;
    await bookkeeper(context)('t-1', {
      createdAt: new Date('2026-01-05T10:00:00Z'),
      completedAt: new Date('2026-01-05T10:10:00Z'),
      tasks: [scanTask([scan('2026-01-05T10:05:00Z', null)])],
    });
    expect((await runCli(['close', '2026-01'], books.environment)).code).toBe(0);
    const page = await books.ask('/reports/2026-02', { headers: bearer(tokens.finance) });
    expect(page.status).toBe(200);
    expect(readable(page.text)).toContain('Nothing is open: the month can be closed.');
    expect((await runCli(['close', '2026-02'], books.environment)).code).toBe(0);
  },
);
