import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Context } from '../jobs/context.ts';
import { whenAnswered } from './answered.ts';

/** What somebody viewed or downloaded: fixed words and checked IDs, never text of a request. */
export type Accessed = Readonly<Record<string, string | null>> & { readonly what: string };

declare module 'fastify' {
  // oxlint-disable-next-line typescript/consistent-type-definitions -- merged with the framework's own interface
  export interface FastifyContextConfig {
    /** For the access log: what a request to this route is about. */
    readonly accessed?: (request: FastifyRequest) => Accessed;
    /** Whether also tries of somebody unknown are in the access log. */
    readonly accessedByAnybody?: true;
  }
}

/** Logs who did what. Always at level `info`, whatever LOG_LEVEL is, unless that is `silent`. */
export type AuditLog = (request: FastifyRequest, message: string, fields: Readonly<Record<string, unknown>>) => void;

export function createAuditLog({ log }: Pick<Context, 'log'>): AuditLog {
  const audit = log.child({}, log.level === 'silent' ? {} : { level: 'info' });
  return ({ id: requestId, principal }, message, fields) =>
    audit.info({ requestId, principal: principal?.name ?? null, ...fields }, message);
}

/**
 * Logs each request of a known user about somebody's data, with the code where it was refused. Those of unknown users are
 * refused anyway: only tries on documents are logged.
 */
export function addAccessLog(server: FastifyInstance, audit: AuditLog): void {
  whenAnswered(server, (request, _reply, status) => {
    const { accessed, accessedByAnybody } = request.routeOptions.config;
    if (!accessed || !(request.principal || accessedByAnybody)) return;
    const refused = request.refusal ? { code: request.refusal } : {};
    audit(request, 'accessed', { ...accessed(request), status, ...refused });
  });
}
