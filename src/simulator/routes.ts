import { detailsJson, resultJson, viewAt } from './answers.ts';
import type { View } from './answers.ts';
import { billFor, requireMade } from './billing/bill.ts';
import { documents, isDocumentName } from './billing/documents.ts';
import { parseMistakes } from './billing/mistakes.ts';
import { auditReport, fileContent } from './file-bytes.ts';
import type { FileContent } from './file-bytes.ts';
import { attemptOfSlot, goneStatus, isResultSlot, readFileToken, resultFiles, scanFiles } from './files.ts';
import type { Stage } from './frame/stage.ts';
import type { World } from './options.ts';
import { generateTransaction } from './transaction.ts';
import type { TaskType, Transaction } from './transaction.ts';

/** What a request asks for. IDs and tokens are unchecked: whether they exist is decided when answering. */
export type Target =
  | { readonly route: 'create' }
  | { readonly route: 'transaction'; readonly transactionId: string }
  | { readonly route: 'result' | 'audit_report'; readonly transactionId: string; readonly resultId: string }
  | { readonly route: 'download'; readonly token: string }
  | { readonly route: 'bill'; readonly month: string; readonly name: string }
  | { readonly route: 'other' };
export type Route = Target['route'];
type ApiTarget = Exclude<Target, { readonly route: 'bill' | 'create' }>;

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

/** Finds a transaction's index by its ID. */
export type Lookup = (transactionId: string) => number | undefined;

export const basePath = '/id-scan/v1/';

/** What a method and a path, without its query, ask for. */
export function targetOf(method: string, path: string): Target {
  if (!path.startsWith(basePath)) return { route: 'other' };
  if (method === 'POST') return { route: path === `${basePath}transactions` ? 'create' : 'other' };
  const [first, second = '', third, fourth = '', fifth, ...rest] = path.slice(basePath.length).split('/');
  if (first === 'bills' && third !== undefined && fourth === '') return { route: 'bill', month: second, name: third };
  if (first === 'downloads' && third === undefined && second !== '') return { route: 'download', token: second };
  if (first !== 'transactions' || second === '' || rest.length > 0) return { route: 'other' };
  if (third === undefined) return { route: 'transaction', transactionId: second };
  if (third !== 'results' || fourth === '') return { route: 'other' };
  if (fifth === undefined) return { route: 'result', transactionId: second, resultId: fourth };
  return fifth === 'audit-report'
    ? { route: 'audit_report', transactionId: second, resultId: fourth }
    : { route: 'other' };
}

/** What creations and answers draw on. */
export type Known = {
  readonly world: World;
  /** `null` = creations give out the world's transactions, one after the other. */
  readonly stage: Stage | null;
  /** Finds a transaction of the world by its ID. */
  readonly lookup: Lookup;
};

/**
 * The answer to a creation: one to be played by hand, or the next transaction of the world that was not given out yet.
 *
 * @param created the IDs given out so far; gets the new one.
 */
export function creationAnswer(
  { world, stage }: Known,
  created: string[],
  body: string,
  baseUrl: string,
  nowMs: number,
): Answer {
  const wish = creationWish(body);
  if (typeof wish === 'string') return errorAnswer(400, wish);
  if (!stage && created.length >= world.transactions) return errorAnswer(503, 'No more transactions today');
  const { id, createdMs, expiresMs } = stage
    ? stage.create(wish.tasks, wish.lifeSeconds, nowMs)
    : generateTransaction(world, created.length);
  created.push(id);
  const [made, expires] = [createdMs, expiresMs].map((ms) => new Date(ms).toISOString().replace(/\.\d+Z$/, '+00:00'));
  const url = `${new URL('/', baseUrl).href}frame/${id}`;
  return jsonAnswer(201, JSON.stringify({ id, state: 'pending', url, created: made, expires }));
}

const taskSets = ['document_scan', 'document_scan,face_liveness', 'document_scan,face_liveness,face_match'];

const usualLifeSeconds = 3600;

/** What a creation asks for, or what is wrong with its body. */
function creationWish(body: string): { readonly tasks: TaskType[]; readonly lifeSeconds: number } | string {
  try {
    const { tasks, expiresIn } = JSON.parse(body) as { tasks?: unknown; expiresIn?: unknown };
    if (!Array.isArray(tasks) || !taskSets.includes(tasks.join(','))) return 'Invalid tasks';
    return { tasks: tasks as TaskType[], lifeSeconds: typeof expiresIn === 'number' ? expiresIn : usualLifeSeconds };
  } catch {
    return 'Invalid JSON';
  }
}

/** A transaction of the world, or one that is played by hand. */
function transactionOf({ world, stage, lookup }: Known, transactionId: string): Transaction | null {
  const index = lookup(transactionId);
  if (index !== undefined) return generateTransaction(world, index);
  return stage?.find(transactionId)?.transaction ?? null;
}

/** The vendor's answer to a request with a valid token. */
export function answerTo(known: Known, target: ApiTarget, baseUrl: string, nowMs: number): Answer {
  const { world } = known;
  switch (target.route) {
    case 'other':
      return errorAnswer(404, 'Not found');
    case 'download':
      return downloadAnswer(known, target.token, nowMs);
    case 'transaction':
    case 'result':
    case 'audit_report': {
      const transaction = transactionOf(known, target.transactionId);
      const view = transaction && viewAt(world, transaction, nowMs);
      if (!transaction || !view) return errorAnswer(404, 'Transaction not found');
      if (target.route === 'transaction') return jsonAnswer(200, detailsJson(world, transaction, view, baseUrl));
      if (!view.isCompleted || transaction.resultId !== target.resultId) return errorAnswer(404, 'Result not found');
      if (target.route === 'result') return jsonAnswer(200, resultJson(world, transaction, baseUrl));
      if (!transaction.hasAuditReport) return errorAnswer(404, 'Audit report not found');
      return fileAnswer(auditReport(world, transaction.index, transaction.resultId));
    }
  }
}

/** What a request for a bill asks for: the mistakes are in its query. No public API of the vendor's has such a route. */
export async function billAnswer(
  { world, stage }: Known,
  priceList: string | null,
  { month, name }: Extract<Target, { readonly route: 'bill' }>,
  query: URLSearchParams,
): Promise<Answer> {
  if (priceList === null || !isDocumentName(name)) return errorAnswer(404, 'Not found');
  try {
    const mistakes = parseMistakes(query.get('mistakes') ?? '');
    const bill = billFor(world, { priceList, month, mistakes }, stage?.all());
    requireMade(bill, mistakes);
    const { contentType, write } = documents[name];
    return fileAnswer({ contentType, bytes: await write(bill) });
  } catch (error) {
    if (error instanceof RangeError) return errorAnswer(400, error.message);
    throw error;
  }
}

/** An error as the vendor documents it. */
export function errorAnswer(status: number, message: string, headers: Record<string, string> = {}): Answer {
  const answer = jsonAnswer(status, JSON.stringify({ status, message }));
  return { ...answer, headers: { ...answer.headers, ...headers } };
}

function downloadAnswer({ world, stage }: Known, token: string, nowMs: number): Answer {
  const played = stage?.all() ?? [];
  const file = readFileToken(world, token, played.length);
  if (!file) return errorAnswer(404, 'File not found');
  const transaction = played[file.index - world.transactions] ?? generateTransaction(world, file.index);
  const view = viewAt(world, transaction, nowMs);
  if (!view || !isOffered(world, transaction, view, file.slot)) return errorAnswer(404, 'File not found');
  const gone = goneStatus(world, file);
  return gone === null ? fileAnswer(fileContent(world, file)) : errorAnswer(gone, 'File no longer available');
}

/** Whether an answer at this moment lists the file. */
function isOffered(world: World, transaction: Transaction, view: View, slot: number): boolean {
  if (isResultSlot(slot)) return view.isCompleted && resultFiles(world, transaction).some((file) => file.slot === slot);
  const attempt = attemptOfSlot(slot);
  if (view.isCompleted || view.isExpired || attempt >= view.scans.length) return false;
  return scanFiles(transaction, attempt).some((file) => file.slot === slot);
}

function jsonAnswer(status: number, json: string): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(json, 'utf8') };
}

function fileAnswer({ contentType, bytes }: FileContent): Answer {
  return { status: 200, headers: { 'content-type': contentType }, body: bytes };
}
