import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { deliver, deliveryOf } from './delivery.ts';
import type { FaultSource } from './faults.ts';
import type { World } from './options.ts';
import { requestRecorder, shownPath } from './request-log.ts';
import type { RequestLog } from './request-log.ts';
import { answerTo, basePath, errorAnswer, targetOf } from './routes.ts';
import type { Answer, Lookup, Target } from './routes.ts';
import { tokenMistake } from './token.ts';
import type { TokenRules } from './token.ts';

export type ServerSetup = {
  readonly world: World;
  readonly lookup: Lookup;
  readonly tokens: TokenRules;
  readonly faults: () => FaultSource;
  readonly now: () => Date;
  readonly port: number;
  readonly latencyMs: number;
  readonly maxLoggedRequests: number;
};

export type RunningServer = {
  readonly baseUrl: string;
  readonly requests: RequestLog;
  readonly close: () => Promise<void>;
};

/** Listens on the loopback interface and answers like the vendor. */
export async function serve(setup: ServerSetup): Promise<RunningServer> {
  const recorder = requestRecorder(setup.maxLoggedRequests);
  const timers = new Set<NodeJS.Timeout>();
  let baseUrl = '';

  const later = (delayMs: number, action: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      action();
    }, delayMs);
    timers.add(timer);
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    request.resume();
    const path = (request.url ?? '/').replace(/\?.*$/s, '');
    const target = targetOf(path);
    const nowMs = setup.now().getTime();
    const faults = setup.faults();
    const fault = faults.draw(target.route, path);
    const delivery = deliveryOf(fault, rightAnswer(setup, request, target, baseUrl, nowMs), faults, nowMs);
    const status = delivery.manner === 'reset' ? 0 : delivery.answer.status;
    recorder.record(target, { method: request.method ?? '', path: shownPath(path, target), status, fault });
    const isServed = status === 200 && fault !== 'html';
    const send = (): void =>
      deliver(response, delivery, later, () => {
        if (isServed) recorder.recordServed(target);
      });
    if (setup.latencyMs > 0) later(setup.latencyMs, send);
    else send();
  };

  const server = createServer({ keepAliveTimeout: 60_000 }, onRequest);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(setup.port, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : setup.port;
  baseUrl = `http://127.0.0.1:${port}${basePath}`;

  let closing: Promise<void> | null = null;
  const close = (): Promise<void> =>
    (closing ??= new Promise((resolve) => {
      for (const timer of timers) clearTimeout(timer);
      server.close(() => resolve());
      server.closeAllConnections();
    }));
  return { baseUrl, requests: recorder.log, close };
}

/** The vendor's answer if no fault occurs. */
function rightAnswer(
  { world, lookup, tokens }: ServerSetup,
  request: IncomingMessage,
  target: Target,
  baseUrl: string,
  nowMs: number,
): Answer {
  const mistake = tokenMistake(request.headers.authorization, tokens, nowMs);
  if (mistake !== null) return errorAnswer(401, mistake);
  if (request.method !== 'GET') return errorAnswer(405, 'Method not allowed', { allow: 'GET' });
  return answerTo(world, lookup, target, baseUrl, nowMs);
}
