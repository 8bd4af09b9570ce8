import type { ServerResponse } from 'node:http';
import type { FaultKind, FaultSource } from './faults.ts';
import { errorAnswer } from './routes.ts';
import type { Answer } from './routes.ts';

/** How an answer is sent: whole, or broken in one of the ways in which a network breaks. */
export type Delivery = {
  readonly answer: Answer;
  readonly manner: 'whole' | 'cut_length' | 'cut_chunked' | 'reset' | 'halting';
  readonly delayMs: number;
};

/** Runs an action later, unless the server is closed before. */
export type Later = (delayMs: number, action: () => void) => void;

const htmlPage = Buffer.from('<!doctype html><html><body><h1>Scheduled maintenance</h1></body></html>\n', 'utf8');

/** Applies a fault to the correct answer. */
export function deliveryOf(
  fault: FaultKind | null,
  answer: Answer,
  { retryAfterSeconds, slowMs }: Pick<FaultSource, 'retryAfterSeconds' | 'slowMs'>,
  nowMs: number,
): Delivery {
  const instead = (other: Answer): Delivery => ({ answer: other, manner: 'whole', delayMs: 0 });
  const limited = (after: string): Delivery => instead(errorAnswer(429, 'Too many requests', { 'retry-after': after }));
  switch (fault) {
    case null:
      return instead(answer);
    case 'rate_limited_seconds':
      return limited(String(retryAfterSeconds));
    case 'rate_limited_date':
      return limited(new Date(nowMs + retryAfterSeconds * 1000).toUTCString());
    case 'rate_limited_nonsense':
      return limited('soon');
    case 'server_error':
      return instead(errorAnswer(500, 'Internal server error'));
    case 'bad_gateway':
      return instead(errorAnswer(502, 'Bad gateway'));
    case 'unavailable':
      return instead(errorAnswer(503, 'Service unavailable'));
    case 'unauthorized_once':
      return instead(errorAnswer(401, 'Unauthorized'));
    case 'html':
      return instead({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: htmlPage });
    case 'redirect':
      return instead(errorAnswer(302, 'Found', { location: '/id-scan/v1/moved' }));
    case 'slow':
      return { answer, manner: 'whole', delayMs: slowMs };
    case 'slow_body':
      return { answer, manner: 'halting', delayMs: slowMs };
    case 'cut_length':
    case 'cut_chunked':
    case 'reset':
      return { answer, manner: fault, delayMs: 0 };
  }
}

/** Sends an answer. Calls `onWhole` once a whole answer was handed to the network. */
export function deliver(response: ServerResponse, delivery: Delivery, later: Later, onWhole: () => void): void {
  const { answer, manner, delayMs } = delivery;
  const { status, headers, body } = answer;
  const half = body.subarray(0, Math.floor(body.length / 2));
  const withLength = { ...headers, 'content-length': body.length };
  const sendWhole = (): void => {
    response.once('finish', onWhole);
    response.writeHead(status, withLength).end(body);
  };
  switch (manner) {
    case 'whole':
      if (delayMs > 0) later(delayMs, sendWhole);
      else sendWhole();
      return;
    case 'halting':
      response.once('finish', onWhole);
      response.writeHead(status, withLength).write(half);
      later(delayMs, () => response.end(body.subarray(half.length)));
      return;
    case 'cut_length':
    case 'cut_chunked':
      response.writeHead(status, manner === 'cut_length' ? withLength : headers);
      response.write(half, () => response.socket?.end());
      return;
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
  }
}
