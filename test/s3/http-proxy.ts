import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { inject } from 'vitest';
import { atEnd } from '../support/at-end.ts';

type Request = { readonly method: string; readonly url: string };

export type HttpProxy = {
  readonly endpoint: string;
  /** How many requests came. */
  readonly requests: () => number;
};

type Manners = {
  /** Answers instead of the server, where it returns true. */
  readonly answer?: (request: Request, response: http.ServerResponse) => boolean;
  /** Changes the body of an answer; `undefined` = the answer is lost. */
  readonly change?: (request: Request, body: Buffer) => Buffer | undefined;
  /** Changes the body of a request, piece by piece. */
  readonly alter?: (piece: Buffer) => Buffer;
  /** Is called when the first bytes of a request's body have come. */
  readonly onBody?: (request: Request) => void;
};

/** Stands before the real server, and passes on what it is not told to do otherwise. */
export async function startHttpProxy(manners: Manners): Promise<HttpProxy> {
  const target = new URL(inject('s3Endpoint'));
  let requests = 0;
  const server = http.createServer((incoming, response) => {
    requests += 1;
    const request = { method: incoming.method ?? '', url: incoming.url ?? '' };
    incoming.on('error', () => undefined);
    if (manners.onBody) incoming.once('data', () => manners.onBody?.(request));
    if (manners.answer?.(request, response)) {
      incoming.resume();
      return;
    }
    const { headers, method, url } = incoming;
    const outgoing = http.request({ hostname: target.hostname, port: target.port, method, path: url, headers });
    outgoing.on('error', () => response.destroy());
    outgoing.on('response', (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('error', () => response.destroy());
      answer.on('end', (): unknown => {
        const body = manners.change ? manners.change(request, Buffer.concat(pieces)) : Buffer.concat(pieces);
        if (body === undefined) return response.destroy();
        return response.writeHead(answer.statusCode ?? 502, answer.headers).end(body);
      });
    });
    incoming.on('data', (piece: Buffer) => outgoing.write(manners.alter?.(piece) ?? piece));
    incoming.on('end', () => outgoing.end());
    incoming.on('close', () => incoming.complete || outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${port}`, requests: () => requests };
}
