import { spawn } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { createBooks, invoiceOf } from './support-hostile-books.ts';
import { type Account, jpegOf, type Respond, startHostileVendor } from './support-hostile-vendor.ts';
import { canary, type HostileUrl, hostileUrls, splintered } from './support-hostile-urls.ts';
import { namesLeadTo, startTrap, type Trap } from './support-trap.ts';
import { isFull, seeds } from './world.ts';

const splinterCount = isFull ? 900 : 200;
const nameHook = pathToFileURL(path.join(import.meta.dirname, 'names-to-trap.ts')).href;
const namesToTrap = { NODE_OPTIONS: `--import=${nameHook}`, TRAP_ADDRESS: namesLeadTo };

const redirect =
  (status: number, location: string): Respond =>
  (response) =>
    void response.writeHead(status, { location, 'content-type': 'text/html' }).end('<a href>Moved</a>');

/** The transactions of a run: one per hostile URL and redirect, one without a result ID that lists everything at once. */
async function setUp(seed: number) {
  const vendor = await startHostileVendor();
  const trap = await startTrap(vendor.port);
  const [own] = vendor.open(1) as [Account];
  const filePath = `/id-scan/v1/downloads/${own.transactionId}.7`;
  const forms = hostileUrls({ vendorPort: vendor.port, trapPort: trap.port, filePath });
  const offered = forms.map((form): { form: HostileUrl; account: Account } => {
    const [account] = vendor.open(1) as [Account];
    const [file] = account.files;
    account.files = [file!, { category: 'document', type: 'passport', url: form.url }, file!];
    return { form, account };
  });
  const location = `http://evil.example:${trap.port}/${canary}redirect`;
  const fileRedirects = vendor.open(6);
  [300, 301, 302, 303, 307, 308].forEach(
    (status, at) => (fileRedirects[at]!.respond.file = redirect(status, location)),
  );
  const [details, result, audit, hinted] = vendor.open(4) as [Account, Account, Account, Account];
  details.respond.details = redirect(302, location);
  result.respond.result = redirect(307, location);
  audit.respond.audit = redirect(308, location);
  const open = vendor.open(2) as [Account, Account];
  const lists = [forms.map(({ url }) => url), splintered(forms, splinterCount, seed)];
  open.forEach((account, at) => listInScans(account, lists[at] ?? []));
  const hints = {
    refresh: `0; url=${location}`,
    link: `<${location}>; rel=preload`,
    'content-location': location,
    location,
  };
  hinted.respond.file = (response) => {
    response.writeHead(200, { ...hints, 'alt-svc': `h2="evil.example:${trap.port}"`, 'content-type': 'image/jpeg' });
    response.end(jpegOf('hinted'));
  };
  return { vendor, trap, own, offered, fileRedirects, details, result, audit, hinted, open, lists };
}

/** An open transaction offers its files by its scans. */
function listInScans(account: Account, urls: readonly string[]): void {
  const answer = account.details();
  const [scanTask] = answer['tasks'] as [{ documentScans: object[] }];
  const files = urls.map((url) => ({ category: 'document', type: 'raw_document_image', url }));
  Object.assign(scanTask.documentScans[0]!, { files });
  Object.assign(answer, { state: 'pending', completed: null, expires: '2099-01-01T00:00:00+00:00' });
  account.respond.details = (response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  };
}

/** What a trusting client makes of the same URLs. @returns the paths that arrived at the trap. */
async function naively(trap: Trap, base: string, token: string, urls: readonly string[]): Promise<string[]> {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'naive-downloader.ts')], {
    env: { PATH, ...namesToTrap },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.stdin.end(JSON.stringify({ base, token, urls }));
  expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
  return trap.trapped.filter(({ authorization }) => authorization === `Bearer ${token}`).map((one) => one.path);
}

type Setup = Awaited<ReturnType<typeof setUp>>;
type Books = Awaited<ReturnType<typeof createBooks>>;

describe.each(seeds(1, 2, 3))('seed %i', (seed) => {
  test('no token and no request leaves for anywhere but the API', { timeout: 300_000 }, async ({ annotate }) => {
    const world = await setUp(seed);
    const { vendor, trap, own, open, details, result, audit } = world;
    const books = await createBooks(vendor, { ...namesToTrap, LOG_LEVEL: 'trace' });
    const accounts = [...vendor.accounts.values()];
    await books.enqueue(accounts, (account) => (open.includes(account) ? '' : account.resultId));
    const run = await runCli(['worker', '--until-idle'], books.environment);
    expect(run.code, run.stderr.slice(-2_000)).toBe(1);
    expect([trap.connections(), trap.trapped], 'the trap').toEqual([0, []]);
    await expectEnds(world, books);
    await expectFailures(world, books);

    const answered = accounts.filter((account) => account !== details);
    expect(await books.lines(), 'all but what was never answered').toEqual(invoiceOf(answered));
    for (const account of [details, result, audit]) account.respond = {};
    await books.command(['reprocess', '--failed', '--only', 'results,audit-reports']);
    await books.command(['worker', '--until-idle']);
    expect(await books.lines()).toEqual(invoiceOf(accounts));
    expect([trap.connections(), trap.trapped], 'the trap').toEqual([0, []]);

    const tokens = [...new Set(vendor.asked.map(({ token }) => token))].filter((token) => token !== '');
    expect(tokens.length).toBeGreaterThan(0);
    const traces = [run.stdout, run.stderr, await books.everything()].join('\n');
    expect(traces).toContain(own.transactionId);
    for (const secret of [...tokens, canary, 'evil.example']) expect(traces).not.toContain(secret);

    const reached = await expectControl(world, tokens.at(-1) ?? '');
    const { offered, lists } = world;
    await annotate(
      `${offered.length} hostile URLs, ${lists[1]?.length} splintered ones, 9 redirects, ${trap.places.length} trap ` +
        `addresses: 0 connections; ${vendor.asked.length} requests to the API. A trusting client was trapped ${reached} times`,
    );
  });
});

const wordsOf = ({ state, code }: { state: string; code: string | null } = { state: 'nothing', code: null }): string =>
  `${state} ${code}`;
const expectedEnds = { refused: 'refused vendor_url_refused', gone: 'gone vendor_not_found', stored: 'stored null' };

/** Every file has an end, and a hostile one keeps nobody from the others. */
async function expectEnds({ offered, fileRedirects, hinted, open, lists }: Setup, books: Books): Promise<void> {
  const files = (await books.files()).filter(({ kind }) => kind === 'document');
  const endsOf = ({ transactionId }: Account): string[] =>
    files.filter((one) => one.transaction_id === transactionId).map(wordsOf);
  for (const { form, account } of offered)
    expect(endsOf(account), form.name).toEqual(['stored null', expectedEnds[form.end ?? 'refused'], 'stored null']);
  for (const account of fileRedirects) expect(endsOf(account)).toEqual(['refused vendor_redirect_refused']);
  expect(endsOf(hinted)).toEqual(['stored null']);
  // Nobody knows what a splinter means, but each has one of the known ends.
  const known = new Set(Object.values(expectedEnds));
  for (const [at, account] of open.entries()) {
    expect(endsOf(account).length).toBe(lists[at]?.length);
    expect(endsOf(account).filter((end) => !known.has(end))).toEqual([]);
  }
}

async function expectFailures({ details, result, audit, fileRedirects }: Setup, books: Books): Promise<void> {
  const failed = (await books.obligations()).filter(({ state }) => state === 'failed');
  const ids = (kind: string) => failed.filter((one) => one.kind === kind).map((one) => one.transaction_id);
  expect(new Set(failed.map(({ code }) => code))).toEqual(new Set(['vendor_redirect_refused']));
  expect(ids('result')).toEqual([details, result].map((one) => one.transactionId));
  expect(ids('audit_report')).toEqual([audit.transactionId]);
  expect(ids('documents')).toEqual(fileRedirects.map((one) => one.transactionId));
}

/** The control: the same URLs and names, and a client that trusts them. @returns how often it was trapped. */
async function expectControl({ vendor, trap, offered, fileRedirects }: Setup, token: string): Promise<number> {
  const base = vendor.environment.IDSCAN_BASE_URL;
  const redirected = `${base}downloads/${fileRedirects[1]?.transactionId}.0`;
  const reached = await naively(trap, base, token, [...offered.map(({ form }) => form.url), redirected]);
  const meant = offered.filter(({ form }) => form.isTrap).map(({ form }) => new URL(form.url, base));
  const [inTls, plain] = [true, false].map((isTls) =>
    meant.filter(({ protocol }) => (protocol === 'https:') === isTls),
  );
  expect(reached.sort()).toEqual([...plain!.map(({ pathname }) => pathname), `/${canary}redirect`].sort());
  expect(trap.connections(), 'with those that only began with TLS').toBe(reached.length + inTls!.length);
  return trap.connections();
}
