import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tokenMistake } from '../../src/simulator/token.ts';
import { atEnd } from '../support/books.ts';

/** What can be asked of a vendor. */
export type Place = 'details' | 'result' | 'file' | 'audit';
export type Respond = (response: http.ServerResponse, request: http.IncomingMessage) => void;
type FileEntry = Readonly<Record<string, unknown>>;

/** A transaction in the books of this vendor. Every answer about it can be replaced by another one. */
export type Account = {
  readonly transactionId: string;
  readonly resultId: string;
  readonly details: () => Record<string, unknown>;
  readonly result: () => Record<string, unknown>;
  /** What the vendor invoices, in the form of `asLines`. */
  readonly invoice: readonly string[];
  files: readonly FileEntry[];
  respond: Partial<Record<Place, Respond>>;
};

export type Asked = {
  readonly place: Place | null;
  readonly transactionId: string;
  readonly path: string;
  readonly token: string;
  readonly atMs: number;
};

export type HostileVendor = Awaited<ReturnType<typeof startHostileVendor>>;

const keyId = '3b438437-04a4-40bb-8389-54bb02766fba';
const secret = 'AC4Etykn7jusGR5FwLDAtILtQbiQbTMKedP31szXg4WlSbjGEXyNMZ';

export const jpegOf = (text: string): Buffer =>
  Buffer.concat([Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'), Buffer.from(text.repeat(99))]);
const pdf = Buffer.from('%PDF-1.4\n1 0 obj\n<< >>\nendobj\ntrailer\n<< >>\n%%EOF\n');

/** Codes of scans with what the documentation says of them, and no line of the program's. */
const codes = [
  ['unknown_type_front', false],
  ['front_side_provided_back_side_required', true],
  [null, true],
  ['field_validation_failed', true],
] as const;

/** A transaction of October 2026 with one to four scans and, every other one, a face task. */
function createAccount(index: number, origin: string): Account {
  const number = index.toString(16).padStart(12, '0');
  const transactionId = `11111111-2222-4333-8444-${number}`;
  const scans = codes.slice(0, 1 + (index % codes.length));
  const hasFace = index % 2 === 0;
  const at = (minute: number): string => `2026-10-05T10:${String(minute).padStart(2, '0')}:00+00:00`;
  const line = (...cells: unknown[]): string => [transactionId, ...cells].join(' | ');
  const fileUrl = (slot: number): string => `${origin}/id-scan/v1/downloads/${transactionId}.${slot}`;
  const account: Account = {
    transactionId,
    resultId: `66666666-7777-4888-8999-${number}`,
    details: () => ({
      id: transactionId,
      state: 'completed',
      created: at(0),
      expires: at(59),
      completed: at(30),
      tasks: [
        {
          type: 'document_scan',
          state: 'completed',
          level: 'advanced',
          attempts: scans.length,
          attemptsInvoiced: scans.filter(([, isInvoiced]) => isInvoiced).length,
          documentScans: scans.map(([code], at0) => ({ created: at(at0 + 1), code, source: 'camera', linked: false })),
        },
        ...(hasFace ? [{ type: 'face_liveness', state: 'completed' }] : []),
      ],
    }),
    result: () => ({
      id: transactionId,
      state: 'completed',
      tasks: [{ type: 'document_scan', state: 'completed', attempts: scans.length, files: account.files }],
    }),
    invoice: [
      ...scans.map(([code, isInvoiced], at0) => line('document_scan', at0 + 1, code ?? '', isInvoiced, 'advanced')),
      ...(hasFace ? [line('face_liveness', 1, '', true, '')] : []),
    ],
    files: [{ category: 'image', type: 'portrait', url: fileUrl(0) }],
    respond: {},
  };
  return account;
}

export const sendJson =
  (body: unknown): Respond =>
  (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
  };

export const sendFile =
  (bytes: Buffer, contentType = 'image/jpeg'): Respond =>
  (response) => {
    response.writeHead(200, { 'content-type': contentType, 'content-length': bytes.length }).end(bytes);
  };

const notFound: Respond = (response) => {
  response.writeHead(404, { 'content-type': 'application/json' }).end('{"status":404,"message":"Not found"}');
};

/** The right answer, from which a hostile one departs. */
export function ordinary(account: Account, place: Place, path: string): Respond {
  if (place === 'details') return sendJson(account.details());
  if (place === 'result') return sendJson(account.result());
  return place === 'file' ? sendFile(jpegOf(path)) : sendFile(pdf, 'application/pdf');
}

const paths: readonly (readonly [Place, RegExp])[] = [
  ['file', /^\/id-scan\/v1\/downloads\/([\w-]+)\.\d+$/],
  ['audit', /^\/id-scan\/v1\/transactions\/([\w-]+)\/results\/[\w-]+\/audit-report$/],
  ['result', /^\/id-scan\/v1\/transactions\/([\w-]+)\/results\/[\w-]+$/],
  ['details', /^\/id-scan\/v1\/transactions\/([\w-]+)$/],
];

/** A vendor on 127.0.0.1 that checks tokens, notes everything it is asked, and answers what its accounts say. */
export async function startHostileVendor() {
  const accounts = new Map<string, Account>();
  const asked: Asked[] = [];
  let connections = 0;
  const server = http.createServer((request, response) => {
    response.on('error', () => undefined);
    const path = request.url ?? '';
    const authorization = request.headers.authorization ?? '';
    const [place = null, id = ''] = paths.flatMap(([name, form]) => {
      const match = form.exec(path);
      return match ? [name, match[1]] : [];
    }) as [Place?, string?];
    asked.push({ place, transactionId: id, path, token: authorization.replace('Bearer ', ''), atMs: Date.now() });
    const account = accounts.get(id);
    if (tokenMistake(authorization, { keyId, secret, maxLifeSeconds: 60 }, Date.now()) !== null)
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"status":401,"message":"Unauthorized"}');
    else if (place === null || account === undefined) notFound(response, request);
    else (account.respond[place] ?? ordinary(account, place, path))(response, request);
  });
  // A busy machine may take longer than the usual 5 s between two requests: nobody but a hostile answer closes.
  server.keepAliveTimeout = 60_000;
  server.on('connection', (socket) => {
    connections += 1;
    socket.on('error', () => undefined);
  });
  server.on('clientError', (_, socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  return {
    port,
    origin,
    asked,
    accounts,
    connections: () => connections,
    /** Opens so many accounts. @returns them; their numbers go on where the last ones ended. */
    open: (count: number): Account[] =>
      Array.from({ length: count }, () => {
        const account = createAccount(accounts.size + 1, origin);
        accounts.set(account.transactionId, account);
        return account;
      }),
    environment: { IDSCAN_BASE_URL: `${origin}/id-scan/v1/`, IDSCAN_KEY_ID: keyId, IDSCAN_KEY_SECRET: secret },
  };
}
