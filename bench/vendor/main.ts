import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tokenMistake } from '../../src/simulator/token.ts';
import { prepareAnswers, type Answers } from './answers.ts';
import { vendorKey, type VendorOptions } from './options.ts';

/**
 * A vendor that is never the bottleneck, in its own process: HTTP/1.1 with keep-alive on a bare socket, with responses
 * from a prepared table. Prints its base URL, and ends with its parent.
 */
const basePath = '/id-scan/v1/';
const options = JSON.parse(process.argv[2] ?? '{}') as VendorOptions;
const notFound = Buffer.from('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
const unauthorized = Buffer.from('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n');
const endOfHead = '\r\n\r\n';

const isAuthorized = tokenCheck();
const server = createServer({ noDelay: true });
server.listen(0, '127.0.0.1', () => {
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}${basePath}`;
  const answers = prepareAnswers({ basePath, baseUrl, files: options.files, fileBytes: options.fileBytes });
  server.on('connection', (socket) => serve(socket, answers));
  process.stdout.write(`${baseUrl}\n`);
});
process.stdin.resume().on('end', () => process.exit(0));

function serve(socket: Socket, answers: Answers): void {
  let held = '';
  socket.setEncoding('latin1');
  socket.on('error', () => socket.destroy());
  socket.on('data', (text) => {
    held += String(text);
    for (let end = held.indexOf(endOfHead); end !== -1; end = held.indexOf(endOfHead)) {
      const head = held.slice(0, end);
      held = held.slice(end + endOfHead.length);
      if (options.latencyMs > 0) setTimeout(() => answer(socket, answers, head), options.latencyMs);
      else answer(socket, answers, head);
    }
  });
}

function answer(socket: Socket, answers: Answers, head: string): void {
  const path = head.slice(head.indexOf(' ') + 1, head.indexOf(' HTTP/'));
  const authorization = /^authorization: ?(.+)$/im.exec(head)?.[1];
  const parts = isAuthorized(authorization) ? (answers.to(path) ?? [notFound]) : [unauthorized];
  socket.cork();
  for (const part of parts) socket.write(part);
  socket.uncork();
}

/** Checks a token's signature and times once. After that the same token is known until it expires. */
function tokenCheck(): (authorization: string | undefined) => boolean {
  const knownUntilMs = new Map<string, number>();
  const rules = { keyId: vendorKey.keyId, secret: vendorKey.keySecret, maxLifeSeconds: 86_400 };
  return (authorization = '') => {
    const nowMs = Date.now();
    if ((knownUntilMs.get(authorization) ?? 0) > nowMs) return true;
    if (tokenMistake(authorization, rules, nowMs) !== null) return false;
    knownUntilMs.set(authorization, nowMs + 10_000);
    return true;
  };
}
