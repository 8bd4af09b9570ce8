import { waitFor } from '../support/books.ts';
import { createBooks, type FileRow, type HostileBooks, type ObligationRow } from './support-hostile-books.ts';
import { hostileCases } from './support-hostile-cases.ts';
import type { HostileCase } from './support-hostile-manners.ts';
import {
  type Account,
  type HostileVendor,
  jpegOf,
  ordinary,
  type Respond,
  sendFile,
  sendJson,
  startHostileVendor,
} from './support-hostile-vendor.ts';
import { type HostileWorker, type Said, startWorker } from './support-hostile-worker.ts';
import { isFull } from './world.ts';

/** The long version waits for deadlines, and is hostile until the program gives up. */
export const cases = hostileCases.filter(({ isSlow }) => isFull || !isSlow);
const ordinaryCount = isFull ? 200 : 60;
/** A process that has not done much yet grows whatever it is answered. */
const longestWarmUp = isFull ? 15 : 1;
export const patienceMs = isFull ? 500_000 : 240_000;

const outageCodes = ['vendor_unreachable', 'vendor_timeout'];
const neverCodes = ['vendor_answer_too_large', 'vendor_redirect_refused'];

/** How often an answer is hostile before it is ordinary. A vendor that is away is waited for, however long. */
function timesOf({ end, isSlow }: HostileCase): number {
  if (end === 'accepted') return Infinity;
  if (isSlow) return 1;
  return isFull && !outageCodes.includes(end) ? Infinity : 1;
}

/** Whether the program ends with a failure that an operator has to see. */
export const givesUp = (one: HostileCase): boolean =>
  !one.isRefused && one.end !== 'accepted' && (neverCodes.includes(one.end) || timesOf(one) === Infinity);

function beHostile(account: Account, one: HostileCase): void {
  const { place } = one;
  let left = timesOf(one);
  const hostile = one.respond(account);
  account.respond[place] = (response, request) => {
    left -= 1;
    (left >= 0 ? hostile : ordinary(account, place, request.url ?? ''))(response, request);
  };
}

/** Answers one after the other; the last one stays. */
const inTurn = (...answers: Respond[]): Respond => {
  let at = 0;
  return (response, request) => answers[Math.min(at++, answers.length - 1)]?.(response, request);
};

const cut =
  (bytes: Buffer): Respond =>
  (response) => {
    response.writeHead(200, { 'content-type': 'image/jpeg', 'content-length': bytes.length });
    response.write(bytes.subarray(0, bytes.length / 2), () => response.socket?.end());
  };

export const first = jpegOf('the first time');
export const second = jpegOf('the second time, not the same');

export type Run = {
  vendor: HostileVendor;
  books: HostileBooks;
  worker: HostileWorker;
  hostile: { account: Account; one: HostileCase }[];
  others: Account[];
  /** Files whose bytes change: cut first, lost from the store, offered twice. */
  changing: [Account, Account, Account];
  falling: Account;
  /** The peak of the warm-up, and what was left of it. */
  idleKb: number;
  restingKb: number;
  peakKb: number;
  obligations: ObligationRow[];
  files: FileRow[];
  said: Said[];
};

export async function allEnded(books: HostileBooks): Promise<void> {
  const open = (): Promise<{ open: number }[]> =>
    books.rows(`select count(*)::int as open from obligations where state = 'due'`);
  await waitFor('all work ended', async () => (await open())[0]?.open === 0, patienceMs);
}

function openChanging(vendor: HostileVendor): Run['changing'] {
  const changing = vendor.open(3) as Run['changing'];
  const [broken, lost, twice] = changing;
  broken.respond.file = inTurn(cut(first), sendFile(second));
  lost.respond.file = inTurn(sendFile(first), sendFile(second));
  twice.respond.file = inTurn(sendFile(first), sendFile(second));
  twice.files = [...twice.files, ...twice.files];
  return changing;
}

function openFalling(vendor: HostileVendor): Account {
  const scansOf = ({ invoice }: Account): number => invoice.filter((line) => line.includes('document_scan')).length;
  const falling = vendor.open(4).find((account) => scansOf(account) === 4)!;
  const details = falling.details();
  const [task, ...tasks] = details['tasks'] as [object, ...object[]];
  const fewer = { ...details, tasks: [{ ...task, attempts: 2, attemptsInvoiced: 1 }, ...tasks] };
  falling.respond.details = inTurn(sendJson(details), sendJson(fewer));
  return falling;
}

/** Ordinary answers to warm up, then everything at once, among transactions with which nothing is wrong. */
export async function runHostileAnswers(): Promise<Run> {
  const vendor = await startHostileVendor();
  const books = await createBooks(vendor);
  const worker = startWorker(books);
  let peakSoFarKb = 0;
  for (let wave = 0; wave < longestWarmUp; wave += 1) {
    await books.enqueue(vendor.open(ordinaryCount));
    await allEnded(books);
    const waveKb = await worker.memoryKb('VmHWM');
    if (waveKb - peakSoFarKb < 1_024) break;
    peakSoFarKb = waveKb;
  }
  const [idleKb, restingKb] = [await worker.memoryKb('VmHWM'), await worker.memoryKb('VmRSS')];
  const hostile = cases.map((one) => ({ one, account: vendor.open(1)[0]! }));
  for (const { account, one } of hostile) beHostile(account, one);
  const changing = openChanging(vendor);
  const falling = openFalling(vendor);
  vendor.open(ordinaryCount);
  const warm = new Set((await books.obligations()).map(({ transaction_id }) => transaction_id));
  await books.enqueue([...vendor.accounts.values()].filter(({ transactionId }) => !warm.has(transactionId)));
  await allEnded(books);
  const peakKb = await worker.memoryKb('VmHWM');
  const special = new Set<Account>([...hostile.map(({ account }) => account), ...changing, falling]);
  const others = [...vendor.accounts.values()].filter((account) => !special.has(account));
  const [obligations, files] = [await books.obligations(), await books.files()];
  return {
    vendor,
    books,
    worker,
    hostile,
    others,
    changing,
    falling,
    idleKb,
    restingKb,
    peakKb,
    obligations,
    files,
    said: worker.said(),
  };
}
