import type http from 'node:http';
import { gzipSync } from 'node:zlib';
import type { ErrorCode } from '../../src/errors.ts';
import type { Account, Place, Respond } from './support-hostile-vendor.ts';

/** A hostile answer and what has to become of it. */
export type HostileCase = {
  readonly name: string;
  readonly place: Place;
  readonly respond: (account: Account) => Respond;
  /** The code it fails with, or `accepted`: it is used, in a way that is documented. */
  readonly end: ErrorCode | 'accepted';
  /** Recorded as refused, a normal end of a file. */
  readonly isRefused?: true;
  /** Only a deadline ends it. */
  readonly isSlow?: true;
  /** What the report says of an accepted answer, where that is not what the ordinary one says. */
  readonly lines?: (account: Account) => readonly string[];
  /** How many files there are of its result; one unless told. */
  readonly files?: number;
};

/** A whole answer, from which a manner of sending departs. */
export type Whole = { readonly type: string; readonly body: Buffer };

const threeGiB = 3 * 1_024 ** 3;
const head = (type: string, ...more: string[]): string =>
  ['HTTP/1.1 200 OK', `Content-Type: ${type}`, ...more, '', ''].join('\r\n');

const raw = (response: http.ServerResponse, ...parts: (string | Buffer)[]): void => {
  for (const part of parts) response.socket?.write(part);
};

/** Sends piece after piece until all is sent or nobody listens any more. */
function pour(response: http.ServerResponse, first: Buffer, piece: Buffer, bytes: number): void {
  let left = bytes - first.length;
  const more = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= piece.length;
      if (response.write(piece)) continue;
      response.once('drain', more);
      return;
    }
    response.end();
  };
  response.write(first);
  more();
}

/** One byte a second, for ever. */
function drip(response: http.ServerResponse, text: Buffer | string): void {
  let at = 0;
  const timer = setInterval(() => response.socket?.write(Buffer.from(text).subarray(at, (at += 1))), 1_000);
  response.socket?.once('close', () => clearInterval(timer));
}

const spaces = Buffer.alloc(64 * 1_024, ' ');
/**
 * 128 MiB in 128 KiB: gzip takes its parts one after the other as one whole. Packed at once it would keep the vendor from
 * answering anybody for as long as it takes.
 */
const packedBomb = (): Buffer => {
  const part = gzipSync(Buffer.alloc(1_024 ** 2, ' '));
  return Buffer.concat(Array.from({ length: 128 }, () => part));
};

type Manner = {
  readonly name: string;
  readonly end: ErrorCode | 'accepted';
  readonly isSlow?: true;
  readonly send: (response: http.ServerResponse, whole: Whole) => void;
};

/** Ways to send any answer wrongly. */
export const manners: readonly Manner[] = [
  { name: 'silence after accept', end: 'vendor_timeout', isSlow: true, send: () => undefined },
  {
    name: 'silence after the headers',
    end: 'vendor_timeout',
    isSlow: true,
    send: (response, { type, body }) => raw(response, head(type, `Content-Length: ${body.length}`)),
  },
  {
    name: 'one byte a second',
    end: 'vendor_timeout',
    isSlow: true,
    send: (response, { type, body }) => {
      raw(response, head(type, 'Content-Length: 9999'));
      drip(response, body);
    },
  },
  {
    name: 'one byte a second, from the first line on',
    end: 'vendor_timeout',
    isSlow: true,
    send: (response, { type }) => drip(response, head(type, `X-Long: ${'x'.repeat(999)}`)),
  },
  {
    name: 'more announced than sent, left open',
    end: 'vendor_timeout',
    isSlow: true,
    send: (response, { type, body }) => raw(response, head(type, `Content-Length: ${body.length + 1}`), body),
  },
  { name: 'reset', end: 'vendor_unreachable', send: (response) => response.socket?.resetAndDestroy() },
  { name: 'closed', end: 'vendor_unreachable', send: (response) => response.socket?.destroy() },
  {
    name: 'reset in the body',
    end: 'vendor_answer_truncated',
    send: (response, { type, body }) => {
      response.writeHead(200, { 'content-type': type, 'content-length': body.length });
      response.write(body.subarray(0, body.length / 2), () => response.socket?.resetAndDestroy());
    },
  },
  {
    name: 'cut chunked',
    end: 'vendor_answer_truncated',
    send: (response, { type, body }) => {
      response.writeHead(200, { 'content-type': type });
      response.write(body.subarray(0, body.length / 2), () => response.socket?.end());
    },
  },
  {
    name: 'whole in chunks, without the last one',
    end: 'vendor_answer_truncated',
    send: (response, { type, body }) => {
      response.writeHead(200, { 'content-type': type });
      response.write(body, () => response.socket?.end());
    },
  },
  {
    name: 'cut length',
    end: 'vendor_answer_truncated',
    send: (response, { type, body }) => {
      response.writeHead(200, { 'content-type': type, 'content-length': body.length });
      response.write(body.subarray(0, body.length / 2), () => response.socket?.end());
    },
  },
  {
    name: 'two lengths',
    end: 'vendor_answer_truncated',
    send: (response, { type, body }) =>
      raw(response, head(type, `Content-Length: ${body.length}`, 'Content-Length: 7'), body),
  },
  {
    name: 'length and chunks',
    end: 'vendor_answer_truncated',
    send: (response, { type, body }) =>
      raw(response, head(type, 'Content-Length: 5', 'Transfer-Encoding: chunked'), '5\r\n', body),
  },
  {
    name: 'gzip though identity was asked',
    end: 'vendor_encoding_refused',
    send: (response, { type, body }) =>
      response.writeHead(200, { 'content-type': type, 'content-encoding': 'gzip' }).end(gzipSync(body)),
  },
  {
    name: 'a decompression bomb',
    end: 'vendor_encoding_refused',
    send: (response, { type }) =>
      response.writeHead(200, { 'content-type': type, 'content-encoding': 'gzip' }).end(packedBomb()),
  },
  {
    name: '3 GiB, announced',
    end: 'vendor_answer_too_large',
    send: (response, { type, body }) => {
      response.writeHead(200, { 'content-type': type, 'content-length': threeGiB });
      pour(response, body.subarray(0, -1), spaces, threeGiB);
    },
  },
  {
    name: '3 GiB in chunks',
    end: 'vendor_answer_too_large',
    send: (response, { type, body }) => {
      response.writeHead(200, { 'content-type': type });
      pour(response, body.subarray(0, -1), spaces, threeGiB);
    },
  },
  {
    name: 'endless headers',
    end: 'vendor_answer_too_large',
    send: (response, { type }) => {
      const lines = Array.from({ length: 5_000 }, (_, at) => `X-${at}: ${'x'.repeat(60)}`);
      raw(response, head(type, ...lines), 'x');
    },
  },
  {
    name: 'redirect to another host',
    end: 'vendor_redirect_refused',
    send: (response) => response.writeHead(302, { location: 'http://127.0.0.2:9/' }).end(),
  },
  {
    // A second answer, ready for whoever asks next on this connection.
    name: 'an answer nobody asked for behind the whole one',
    end: 'accepted',
    send: (response, { type, body }) => {
      const forged = Buffer.from('{"id":"forged","state":"completed","tasks":[]}');
      const both = [body, forged].flatMap((one) => [Buffer.from(head(type, `Content-Length: ${one.length}`)), one]);
      raw(response, Buffer.concat(both));
    },
  },
];
