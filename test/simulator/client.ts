import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';

/** A connection per request, so that a fault of one never touches another. */
const agent = new Agent({ keepAlive: false });

export type Reply = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Whether the body ended as announced. */
  readonly isWhole: boolean;
};

export type Access = { readonly keyId: string; readonly secret: string };

/** Signs as the documentation says; any part can be overridden. */
export function signToken(
  { keyId, secret }: Access,
  payload: Record<string, unknown> = times(new Date()),
  header: Record<string, unknown> = { alg: 'HS256', typ: 'JWT', kid: keyId },
): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const signed = `${encode(header)}.${encode(payload)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

export function times(now: Date, lifeSeconds = 60): Record<string, unknown> {
  const seconds = Math.floor(now.getTime() / 1000);
  return { iat: seconds, nbf: seconds, exp: seconds + lifeSeconds };
}

/** One request; rejects only when no answer came at all. */
export function get(url: string, authorization: string | null, method = 'GET'): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = authorization === null ? {} : { authorization };
    const outgoing = request(url, { agent, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      const settle = (): void =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
          isWhole: response.complete,
        });
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', settle);
      response.on('error', settle);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

export type Details = {
  id: string;
  state: string;
  created: string;
  expires: string;
  completed: string | null;
  tasks: {
    type: string;
    state: string;
    level?: string;
    attempts?: number;
    attemptsInvoiced?: number;
    documentScans?: {
      created: string;
      code: string | null;
      linked: boolean;
      source: string;
      files?: ListedFile[] | null;
    }[];
  }[];
};

type ListedFile = { category: string; type: string; name?: string; score?: number; url: string | null };

export type Result = {
  id: string;
  state: string;
  tasks: { type: string; state: string; attempts?: number; result?: unknown[]; files?: ListedFile[] }[];
};

/** A client with its own token for the JSON answers of one simulator. */
export function clientOf(simulator: Access & { readonly baseUrl: string }, now: () => Date = () => new Date()) {
  const bearer = (): string => `Bearer ${signToken(simulator, times(now()))}`;
  const fetchPath = (path: string): Promise<Reply> => get(simulator.baseUrl + path, bearer());
  const json = async (path: string): Promise<unknown> => JSON.parse((await fetchPath(path)).body.toString('utf8'));
  return {
    path: fetchPath,
    url: (url: string): Promise<Reply> => get(url, bearer()),
    details: async (transactionId: string) => (await json(`transactions/${transactionId}`)) as Details,
    result: async (transactionId: string, resultId: string | null) =>
      (await json(`transactions/${transactionId}/results/${resultId ?? ''}`)) as Result,
  };
}
