import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import { atEnd } from '../support/books.ts';
import { jpegOf } from './support-hostile-vendor.ts';

/** Where every name leads, see `names-to-trap.ts`. */
export const namesLeadTo = '127.0.0.3';

type Trapped = { readonly path: string; readonly authorization: string };
export type Trap = Awaited<ReturnType<typeof startTrap>>;

/**
 * Servers where a token must never arrive: on other addresses with the vendor's port, and on a port of their own with
 * the vendor's address and others. They answer with what was asked for, as an attacker would.
 */
export async function startTrap(vendorPort: number) {
  const trapped: Trapped[] = [];
  let connections = 0;
  const listen = (host: string, port: number): Promise<number> => {
    const server = http.createServer((request, response) => {
      trapped.push({ path: request.url ?? '', authorization: request.headers.authorization ?? '' });
      response.writeHead(200, { 'content-type': 'image/jpeg' }).end(jpegOf('trap'));
    });
    // A connection counts even where no request in HTTP follows, as after a TLS greeting.
    server.on('connection', () => (connections += 1)).on('clientError', (_, socket) => socket.destroy());
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        atEnd(async () => {
          server.closeAllConnections();
          await new Promise((closed) => server.close(closed));
        });
        resolve((server.address() as AddressInfo).port);
      });
    });
  };
  const hasIpv6 = Object.values(os.networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
  const others = ['127.0.0.2', namesLeadTo, ...(hasIpv6 ? ['::1'] : [])];
  const port = await listen('127.0.0.1', 0);
  const places = [
    { host: '127.0.0.1', port },
    ...others.flatMap((host) => [port, vendorPort].map((at) => ({ host, port: at }))),
  ];
  for (const place of places.slice(1)) await listen(place.host, place.port);
  return { port, places, trapped, connections: () => connections };
}
