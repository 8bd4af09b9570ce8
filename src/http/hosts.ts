import { isIP } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type AllowedHost, parseHost, type ServiceConfig } from '../config/config.ts';
import { LedgerError } from '../errors.ts';

/**
 * Asked by probes and monitors under whatever address a machine has. They set no cookie and repeat nothing of a request,
 * and what another site would learn from them is open to everybody or needs a token.
 */
const withoutName = ['/healthz', '/readyz', '/metrics'];

/**
 * Answers to the names of this service alone. Else another site could give its own name our address (DNS rebinding), and
 * what a browser shows or sends there would count as its own.
 */
export function addHostCheck(server: FastifyInstance, service: ServiceConfig): void {
  server.addHook('onRequest', async (request) => {
    if (!withoutName.includes(request.routeOptions.url ?? '') && !isOurs(request, service))
      throw new LedgerError('host_refused', 'This service does not answer to the name it was asked by.', {
        hint: 'Use its own address. Who runs it names others in HTTP_PUBLIC_URL or HTTP_ALLOWED_HOSTS.',
      });
    return Promise.resolve();
  });
}

function isOurs(request: FastifyRequest, { publicUrl, allowedHosts, host }: ServiceConfig): boolean {
  // Two of them are none: who reads which one is nobody's to say.
  if ((request.raw.headersDistinct['host']?.length ?? 0) > 1) return false;
  const asked = parseHost(request.host);
  if (!asked) return false;
  if (isLoopbackName(asked.name)) return true;
  const named: readonly AllowedHost[] = [
    ...(publicUrl ? [{ name: publicUrl.hostname, port: undefined }] : []),
    ...allowedHosts,
  ];
  if (named.length > 0)
    return named.some(({ name, port }) => name === asked.name && (port === undefined || port === asked.port));
  return asked.name === ownAddress(request) || asked.name === parseHost(host)?.name;
}

/** No other site can be given these names. Tunnels and port forwards come by them, with ports of their own. */
export const isLoopbackName = (name: string): boolean =>
  name === 'localhost' || name === '[::1]' || (isIP(name) === 4 && name.startsWith('127.'));

/** The address of this machine at which the request arrived. */
function ownAddress({ socket }: FastifyRequest): string | undefined {
  const address = socket.localAddress?.replace(/^::ffff:(?=\d+\.)/, '');
  return address === undefined ? undefined : parseHost(isIP(address) === 6 ? `[${address}]` : address)?.name;
}
