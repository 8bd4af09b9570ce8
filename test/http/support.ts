import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import path from 'node:path';
import { sql } from 'kysely';
import { inject } from 'vitest';
import { composeServe, type ServeOptions, type Service } from '../../src/compose/serve.ts';
import { loadConfig } from '../../src/config/config.ts';
import { atEnd, createTestDatabase, createTestFolder } from '../support/books.ts';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
export const secret = 'a-shared-secret-of-the-tests';
/** Tokens of the tests, by role. */
export const tokens = {
  finance: 'finance-token-of-the-tests',
  operator: 'operator-token-of-the-tests',
  custodian: 'custodian-token-of-the-tests',
  intake: 'intake-token-of-the-tests',
  metrics: 'metrics-token-of-the-tests',
};
export const tokenSetting = Object.entries(tokens)
  .map(([role, token]) => `${role}:${sha256(token)}`)
  .join(',');

export type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly text: string };
export type Ask = {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
};
export type TestService = Service & {
  readonly origin: string;
  readonly port: number;
  /** Sends exactly this path: nothing on the way makes it well-formed. */
  readonly ask: (path: string, init?: Ask) => Promise<Answer>;
  readonly environment: Readonly<Record<string, string>>;
};

/** The service on servers of the tests, a database and a queue prefix of its own, reached over a socket. */
export async function startService(
  extra: Readonly<Record<string, string>> = {},
  options: ServeOptions = {},
): Promise<TestService> {
  const folder = await createTestFolder();
  const environment = {
    DATABASE_URL: extra['DATABASE_URL'] ?? (await createTestDatabase()),
    REDIS_URL: inject('redisUrl'),
    IDSCAN_DATA_DIR: path.join(folder, 'data'),
    REPORTS_DIR: path.join(folder, 'reports'),
    IDSCAN_BASE_URL: 'http://127.0.0.1:9/id-scan/v1/',
    HTTP_PORT: '0',
    HTTP_TOKENS: tokenSetting,
    WEBHOOK_SECRET: secret,
    LOG_LEVEL: 'silent',
    ...extra,
  };
  const { config, service } = loadConfig(environment, { vendorKey: false, service: true });
  const queuePrefix = `{test-${randomBytes(6).toString('hex')}}`;
  const { context, close } = await composeServe(config, service!, { queuePrefix, ...options });
  atEnd(async () => {
    await context.stop();
    await close();
  });
  const origin = await context.listen();
  const { port } = new URL(origin);
  return {
    ...context,
    environment,
    origin,
    port: Number(port),
    ask: (target, init = {}) => ask(Number(port), target, init),
  };
}

export function ask(port: number, target: string, { method = 'GET', headers = {}, body }: Ask): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      path: target,
      method,
      headers: headers as Record<string, string>,
      agent: false as const,
    };
    const sent = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      );
    });
    sent.on('error', reject).end(body);
  });
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
export const problem = (answer: Answer): { code: string; status: number } & Record<string, unknown> => {
  if (!(answer.headers['content-type'] ?? '').startsWith('application/problem+json'))
    throw new Error(`no problem+json: ${answer.status} ${answer.text.slice(0, 200)}`);
  return JSON.parse(answer.text) as { code: string; status: number };
};

let events = 0;
/** An event as the vendor documents it. */
export const eventOf = (transactionId: string, resultId: string | null = null, more: object = {}): object => ({
  id: `event-${process.pid}-${(events += 1)}`,
  type: 'transaction.state.updated',
  created: '2026-10-05T12:00:00+00:00',
  transaction: { id: transactionId, state: resultId === null ? 'pending' : 'completed', resultId },
  ...more,
});

/** Delivers an event as the vendor would. */
export const deliver = (service: Pick<TestService, 'ask'>, event: unknown, headers: Ask['headers'] = {}) =>
  service.ask('/webhooks/id-scan', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-idscan-ledger-secret': secret, ...headers },
    body: typeof event === 'string' ? event : JSON.stringify(event),
  });

export type InboxRow = {
  event_id: string;
  event_type: string;
  transaction_id: string | null;
  result_id: string | null;
  outcome: string;
};

export async function inbox({ context }: Pick<Service, 'context'>): Promise<InboxRow[]> {
  const { rows } = await sql<InboxRow>`
    select event_id, event_type, transaction_id, result_id, outcome from webhook_inbox order by id`.execute(
    context.db.kysely,
  );
  return rows;
}

/** Transactions with their result IDs and the state and generation of their result. */
export async function registered({ context }: Pick<Service, 'context'>) {
  const { rows } = await sql<{ id: string; result_id: string | null; state: string; generation: number }>`
    select t.id, t.result_id, o.state, o.generation from transactions t
    join obligations o on o.transaction_id = t.id and o.kind = 'result' order by t.id`.execute(context.db.kysely);
  return rows;
}
