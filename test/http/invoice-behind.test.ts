import { beforeAll, expect, test } from 'vitest';
import { decideFinding } from '../../src/jobs/reconcile/decide-finding.ts';
import { publishedMonth } from '../../src/jobs/reconcile/published-month.ts';
import { bookkeeper } from '../support/closing.ts';
import { scan, scanTask } from '../support/facts.ts';
import { fillJanuary, invoiceOf, tooMuch } from './invoice-books.ts';
import { form, multipart, uploadId } from './invoice-forms.ts';
import { prices } from './pages-books.ts';
import { type Ask, bearer, startService, type TestService, tokens } from './support.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService({ PRICES_FILE: prices });
  await fillJanuary(service.context);
  // February has a scan that is not invoiced, so that it is a month of the books.
  const at = (minute: number) => new Date(Date.UTC(2026, 1, 5, 10, minute));
  await bookkeeper(service.context)('t-february', {
    createdAt: at(0),
    expiresAt: at(59),
    completedAt: at(30),
    tasks: [
      scanTask([scan(at(1).toISOString(), 'unknown_type_back')], {
        level: 'advanced',
        attempts: null,
        attemptsInvoiced: null,
      }),
    ],
  });
});

const asFinance = ({ headers = {}, ...rest }: Ask): Ask => ({
  ...rest,
  headers: { ...bearer(tokens.finance), ...headers },
});
const read = async (target: string, role: 'finance' | 'operator' = 'finance'): Promise<string> =>
  (await service.ask(target, { headers: bearer(tokens[role]) })).text
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&nbsp;', ' ')
    .replace(/[\s\u202f]+/g, ' ');
const page = (period: string) => `/reports/${period}/invoice`;
const keep = async (period: string, content: string): Promise<void> => {
  const look = await service.ask(
    page(period),
    asFinance({ method: 'POST', ...multipart([{ field: 'invoice', content }]) }),
  );
  const kept = await service.ask(
    `${page(period)}/keep`,
    asFinance({ method: 'POST', ...form({ upload: uploadId(look) }) }),
  );
  expect(kept.status, kept.text).toBe(303);
};
const found = async (period: string, cause: string): Promise<string> =>
  (await publishedMonth(service.context, period))?.findings.find((one) => one.cause === cause)?.id ?? '';
const decide = async (period: string, finding: string, decision: 'accept' | 'dispute'): Promise<void> =>
  decideFinding(service.context, period, { finding, decision, reason: 'x', decidedBy: 'x' });
const again = (period: string) =>
  service.ask(`${page(period)}/again`, asFinance({ method: 'POST', ...form({ basis: 'restated' }) }));
/** The form of a finding as it is now, to be sent whenever it is called. */
const acceptForm = async (period: string, finding: string) => {
  const target = `${page(period)}/findings/${finding}`;
  const { text } = await service.ask(target, asFinance({}));
  const hidden = [...text.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)];
  const fields = Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, value]));
  const sent = form({ ...fields, decision: 'accept', reason: 'x' });
  return () => service.ask(target, asFinance({ method: 'POST', ...sent }));
};
const row = async () => /January 2026 .*?(?=Earlier months|idscan-ledger,)/.exec(await read('/reports'))?.[0];
const behind = 'More was decided or credited of 2026-01 than its files show.';

test('a month whose finding is credited in a later one says that its files are older, and stands as in the list', async () => {
  await keep('2026-01', tooMuch);
  const fee = await found('2026-01', 'fee');
  await decide('2026-01', fee, 'dispute');
  await again('2026-01');
  expect(await read(page('2026-01'))).not.toContain(behind);
  await keep(
    '2026-02',
    invoiceOf(
      'INV-2,2026-03-01,EUR,1,Monthly fee,fee,,,,,5.00',
      `INV-2,2026-03-01,EUR,2,Credit ${fee},credit,,,,,-12.00`,
    ),
  );
  expect(await read(page('2026-02'))).toContain('Still open of earlier months');
  await decide('2026-02', await found('2026-02', 'credit'), 'accept');

  expect(await row()).toContain('1 open finding');
  const shown = await read(page('2026-01'));
  expect(shown).toContain('1 open finding');
  expect(shown).toContain(`${behind} Reconcile again .`);
  expect(shown).toMatch(/\+12\.00 EUR Settled/);
  expect(await read(page('2026-01'), 'operator')).toContain(`${behind} Finance reconciles it again.`);
  const finding = await read(`${page('2026-01')}/findings/${fee}`);
  const acceptAsSeen = await acceptForm('2026-01', fee);
  expect(finding).toContain(behind);
  expect(finding).toMatch(/Settled .* Credited so far \+12\.00 EUR/);
  // What the later month carries is as it stands, too.
  expect(await read(page('2026-02'))).not.toContain('Still open of earlier months');

  await again('2026-01');
  expect(await read(page('2026-01'))).not.toContain(behind);
  await decide('2026-02', await found('2026-02', 'credit'), 'dispute');
  expect(await row()).toContain('2 open findings');
  expect(await read(page('2026-01'))).toMatch(/2 open findings.*More was decided or credited/);
  // Somebody has the page open on which all of it was credited.
  const late = await acceptAsSeen();
  expect(late).toMatchObject({ status: 409, text: expect.stringContaining('is 12.00 by now') as string });
  expect((await (await acceptForm('2026-01', fee))()).status).toBe(303);
});
