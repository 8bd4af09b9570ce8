import { isIP } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type AllowedHost, parseHost, type ServiceConfig } from '../config/config.ts';
import { LedgerError } from '../errors.ts';

/**
 * Probes and monitors call these by whatever address a machine has. They set no cookie and repeat nothing of a request.
 * What another site could learn from them is either public or needs a token.
 */
const withoutName = ['/healthz', '/readyz', '/metrics'];

/**
 * Answers only to the host names of this service. Otherwise another site could give its own name our address (DNS
 * rebinding), and browsers would treat our pages and forms as that site's own.
 */
export function addHostCheck(server: FastifyInstance, service: ServiceConfig): void {
  server.addHook('onRequest', async (request) => {
    if (!withoutName.includes(request.routeOptions.url ?? '') && !isOurs(request, service))
      throw new LedgerError('host_refused', 'This service does not answer to the host name of this request.', {
        hint: 'Use its own address. Its operator can allow other names in HTTP_PUBLIC_URL or HTTP_ALLOWED_HOSTS.',
      });
    return Promise.resolve();
  });
}

function isOurs(request: FastifyRequest, { publicUrl, allowedHosts, host }: ServiceConfig): boolean {
  // Two host headers are refused: proxies and servers may disagree about which one counts.
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

/** No other site can get these names. Tunnels and port forwards use them, with ports of their own. */
export const isLoopbackName = (name: string): boolean =>
  name === 'localhost' || name === '[::1]' || (isIP(name) === 4 && name.startsWith('127.'));

/** The address of this machine that received the request. */
function ownAddress({ socket }: FastifyRequest): string | undefined {
  const address = socket.localAddress?.replace(/^::ffff:(?=\d+\.)/, '');
  return address === undefined ? undefined : parseHost(isIP(address) === 6 ? `[${address}]` : address)?.name;
}
