import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { deliver, deliveryOf } from './delivery.ts';
import type { FaultKind, FaultSource } from './faults.ts';
import { frameFolder, serveFrame } from './frame/serve-frame.ts';
import type { Stage } from './frame/stage.ts';
import type { World } from './options.ts';
import { requestRecorder, shownPath } from './request-log.ts';
import type { RequestLog } from './request-log.ts';
import { answerTo, basePath, billAnswer, creationAnswer, errorAnswer, targetOf } from './routes.ts';
import type { Answer, Lookup, Target } from './routes.ts';
import { tokenMistake } from './token.ts';
import type { TokenRules } from './token.ts';

export type ServerSetup = {
  readonly world: World;
  readonly lookup: Lookup;
  readonly stage: Stage | null;
  readonly tokens: TokenRules;
  readonly faults: () => FaultSource;
  readonly now: () => Date;
  readonly port: number;
  readonly latencyMs: number;
  readonly maxLoggedRequests: number;
  readonly priceList: string | null;
};

export type RunningServer = {
  readonly baseUrl: string;
  readonly requests: RequestLog;
  /** The IDs of the transactions that it created, in order, whether or not the answers arrived. */
  readonly created: () => readonly string[];
  readonly close: () => Promise<void>;
};

/** With these the vendor has not looked at the request, so that it creates nothing. */
const refusals: readonly FaultKind[] = [
  'rate_limited_seconds',
  'rate_limited_date',
  'rate_limited_nonsense',
  'unauthorized_once',
];

/** Listens on the loopback interface and answers like the vendor. */
export async function serve(setup: ServerSetup): Promise<RunningServer> {
  const recorder = requestRecorder(setup.maxLoggedRequests);
  const timers = new Set<NodeJS.Timeout>();
  const created: string[] = [];
  let baseUrl = '';

  const later = (delayMs: number, action: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      action();
    }, delayMs);
    timers.add(timer);
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
    const target = targetOf(request.method ?? '', path);
    const nowMs = setup.now().getTime();
    if (setup.stage && path.startsWith(frameFolder)) {
      const { stage, priceList } = setup;
      serveFrame({ stage, priceList }, request, response, nowMs).catch(() => response.destroy());
      return;
    }
    const mistake = requestMistake(setup, request, target, nowMs);
    /** @param make makes the answer, unless the vendor refuses to look at the request. */
    const answered = (make: () => Answer): void => {
      const faults = setup.faults();
      const fault = faults.draw(target.route, path);
      const made = fault !== null && refusals.includes(fault) ? errorAnswer(429, 'Too many requests') : make();
      const delivery = deliveryOf(fault, made, faults, nowMs);
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
    if (target.route !== 'create') request.resume();
    if (mistake !== null) answered(() => mistake);
    else if (target.route === 'create')
      void text(request).then(
        (body) => answered(() => creationAnswer(setup, created, body, baseUrl, nowMs)),
        () => undefined,
      );
    else if (target.route !== 'bill') answered(() => answerTo(setup, target, baseUrl, nowMs));
    else
      void billAnswer(setup, setup.priceList, target, new URLSearchParams(query)).then(
        (bill) => answered(() => bill),
        () => answered(() => errorAnswer(500, 'Internal server error')),
      );
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
  return { baseUrl, requests: recorder.log, created: () => created, close };
}

/** The answer to a request that is refused whatever it asks for; `null` = it is not. */
function requestMistake(
  { tokens }: ServerSetup,
  request: IncomingMessage,
  { route }: Target,
  nowMs: number,
): Answer | null {
  const mistake = tokenMistake(request.headers.authorization, tokens, nowMs);
  if (mistake !== null) return errorAnswer(401, mistake);
  const allow = route === 'create' ? 'POST' : 'GET';
  return request.method === allow ? null : errorAnswer(405, 'Method not allowed', { allow });
}
