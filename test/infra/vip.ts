import net from 'node:net';
import { atEnd } from '../support/books.ts';

/**
 * An address that is moved from one server to another, as keepalived or a cloud's load balancer does it: new connections
 * go to the new server, those that are open stay where they are.
 */
export async function startVip(firstPort: number) {
  let target = firstPort;
  const sockets = new Set<net.Socket>();
  const listener = net.createServer((client) => {
    const server = net.connect({ host: '127.0.0.1', port: target, noDelay: true });
    for (const socket of [client.setNoDelay(true), server]) {
      sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    }
    client.pipe(server).pipe(client);
    client.once('close', () => server.destroy());
    server.once('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  atEnd(async () => {
    const closed = new Promise((resolve) => listener.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return {
    port: (listener.address() as net.AddressInfo).port,
    moveTo: (port: number) => {
      target = port;
    },
  };
}
