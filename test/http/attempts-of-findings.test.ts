import { beforeAll, expect, test } from 'vitest';
import { attemptSorts } from '../../src/domain/attempt-filter.ts';
import { bookkeeper, closeOrFail } from '../support/closing.ts';
import { scan, scanTask } from '../support/facts.ts';
import { crawl, get, type Listed, listAt, textOf } from './attempt-lists.ts';
import { fillJanuary, tooMuch } from './invoice-books.ts';
import { prices } from './pages-books.ts';
import { bearer, startService, type TestService, tokens } from './support.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService({ PRICES_FILE: prices });
  await fillJanuary(service.context);
});

const boundary = 'a-boundary-of-the-tests';
/** Looks at an invoice, with a usage statement if there is one, and keeps it. */
async function reconcile(basis: string, usage?: string): Promise<void> {
  const part = (name: string, content: string, file = true) =>
    `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${file ? `; filename="${name}.csv"` : ''}\r\n\r\n${content}\r\n`;
  const body = `${part('basis', basis, false)}${part('invoice', tooMuch)}${usage === undefined ? '' : part('usage', usage)}--${boundary}--\r\n`;
  const headers = { ...bearer(tokens.finance), 'content-type': `multipart/form-data; boundary=${boundary}` };
  const looked = await service.ask('/reports/2026-01/invoice', { method: 'POST', headers, body });
  const upload = /name="upload" value="([\w-]+)"/.exec(looked.text)?.[1];
  expect(upload, textOf(looked.text)).toBeDefined();
  const kept = await service.ask('/reports/2026-01/invoice/keep', {
    method: 'POST',
    headers: { ...bearer(tokens.finance), 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ upload: upload! }).toString(),
  });
  expect(kept.status).toBe(303);
}

/** The numbers of the invoice's page and of its findings' pages. */
async function crawlInvoice(): Promise<Map<string, Listed>> {
  const { text } = await get(service, '/reports/2026-01/invoice');
  const findings = [...text.matchAll(/href="(\/reports\/2026-01\/invoice\/findings\/[0-9a-f]{16})"/g)];
  const pages = ['/reports/2026-01/invoice', ...findings.map(([, target]) => target!)];
  const seen = await crawl(service, pages);
  expect([...seen.keys()].some((target) => target.includes('finding='))).toBe(true);
  return seen;
}

/** Charges every scan but one, and one that nobody knows. */
function usage(): string {
  const rows = Array.from({ length: 359 }, (_, place) => {
    const index = Math.floor(place / 6);
    const [day, attempt] = [String(5 + (index % 20)).padStart(2, '0'), 1 + (place % 6)];
    return `t-${index},document_scan,${attempt},2026-01-${day}T10:0${attempt}:00Z,,advanced,1,0.85`;
  });
  const header = 'transaction_id,task_type,attempt,attempted_at,outcome_code,level,quantity,unit_price';
  return [header, ...rows, 'nobody,document_scan,1,2026-01-09T10:00:00Z,,advanced,1,0.85', ''].join('\r\n');
}

test('a finding’s number leads to its attempts: of an open month, then of it closed, on both bases', async () => {
  await reconcile('restated');
  const open = await crawlInvoice();
  const [finding] = [...open.entries()].find(([target]) => target.includes('finding='))!;
  expect(open.get(finding)!.total).toBe(60);
  for (const sort of attemptSorts)
    expect((await listAt(service, `${finding}&sort=${sort}`)).rows.toSorted()).toEqual(
      open.get(finding)!.rows.toSorted(),
    );
  await closeOrFail(service.context, '2026-01', 'what is unclassified is known');
  await reconcile('closed');
  await crawlInvoice();
  await bookkeeper(service.context, 1_000)('t-0', {
    createdAt: new Date('2026-01-05T10:00:00Z'),
    expiresAt: new Date('2026-01-05T12:00:00Z'),
    completedAt: new Date('2026-01-05T10:30:00Z'),
    tasks: [
      scanTask([scan('2026-01-05T10:01:00Z', null), scan('2026-01-05T10:07:00Z', null)], {
        attempts: null,
        attemptsInvoiced: null,
      }),
    ],
  });
  await reconcile('restated');
  await crawlInvoice();
  await reconcile('restated', usage());
  const proven = await crawlInvoice();
  const listed = [...proven.values()].flatMap(({ rows }) => rows);
  expect(listed.filter((row) => row.includes('not in the books'))).toHaveLength(1);
}, 240_000);
