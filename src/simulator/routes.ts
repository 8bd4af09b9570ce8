import { detailsJson, resultJson, viewAt } from './answers.ts';
import type { View } from './answers.ts';
import { billFor, requireMade } from './billing/bill.ts';
import { documents, isDocumentName } from './billing/documents.ts';
import { parseMistakes } from './billing/mistakes.ts';
import { auditReport, fileContent } from './file-bytes.ts';
import type { FileContent } from './file-bytes.ts';
import { attemptOfSlot, goneStatus, isResultSlot, readFileToken, resultFiles, scanFiles } from './files.ts';
import type { World } from './options.ts';
import { generateTransaction } from './transaction.ts';
import type { Transaction } from './transaction.ts';

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

/**
 * The answer to a creation: the next transaction of the world that was not given out yet.
 *
 * @param created the IDs given out so far; gets the new one.
 */
export function creationAnswer(world: World, created: string[], body: string, baseUrl: string): Answer {
  const mistake = creationMistake(body);
  if (mistake !== null) return errorAnswer(400, mistake);
  if (created.length >= world.transactions) return errorAnswer(503, 'No more transactions today');
  const { id, createdMs, expiresMs } = generateTransaction(world, created.length);
  created.push(id);
  const [made, expires] = [createdMs, expiresMs].map((ms) => new Date(ms).toISOString().replace(/\.\d+Z$/, '+00:00'));
  const url = `${new URL('/', baseUrl).href}frame/${id}`;
  return jsonAnswer(201, JSON.stringify({ id, state: 'pending', url, created: made, expires }));
}

const taskSets = ['document_scan', 'document_scan,face_liveness', 'document_scan,face_liveness,face_match'];

/** What is wrong with the body of a creation; `null` = nothing. */
function creationMistake(body: string): string | null {
  try {
    const { tasks } = JSON.parse(body) as { tasks?: unknown };
    return Array.isArray(tasks) && taskSets.includes(tasks.join(',')) ? null : 'Invalid tasks';
  } catch {
    return 'Invalid JSON';
  }
}

/** The vendor's answer to a request with a valid token. */
export function answerTo(world: World, lookup: Lookup, target: ApiTarget, baseUrl: string, nowMs: number): Answer {
  switch (target.route) {
    case 'other':
      return errorAnswer(404, 'Not found');
    case 'download':
      return downloadAnswer(world, target.token, nowMs);
    case 'transaction':
    case 'result':
    case 'audit_report': {
      const index = lookup(target.transactionId);
      const transaction = index === undefined ? null : generateTransaction(world, index);
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
  world: World,
  priceList: string | null,
  { month, name }: Extract<Target, { readonly route: 'bill' }>,
  query: URLSearchParams,
): Promise<Answer> {
  if (priceList === null || !isDocumentName(name)) return errorAnswer(404, 'Not found');
  try {
    const mistakes = parseMistakes(query.get('mistakes') ?? '');
    const bill = billFor(world, { priceList, month, mistakes });
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

function downloadAnswer(world: World, token: string, nowMs: number): Answer {
  const file = readFileToken(world, token);
  if (!file) return errorAnswer(404, 'File not found');
  const transaction = generateTransaction(world, file.index);
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
