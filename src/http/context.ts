import type { Registry } from 'prom-client';
import type { Role, ServiceConfig } from '../config/config.ts';
import type { ErrorCode } from '../error-table.ts';
import type { VendorClient } from '../id-scan/client.ts';
import type { QueueContext } from '../jobs/context.ts';

/** What the HTTP service works with. Built once, in `src/compose/serve.ts`. */
export type ServiceContext = QueueContext & {
  readonly service: ServiceConfig;
  /** The metrics of this process, including those of its workers if it has some. */
  readonly registry: Registry;
  /** Whether Redis accepts writes. Only for readiness: intake works without Redis. */
  readonly isRedisReady: () => Promise<boolean>;
  /** Creates transactions; `undefined` = this service has no key. */
  readonly vendor?: Pick<VendorClient, 'createTransaction'> | undefined;
};

/** Who sent a request. */
export type Principal = {
  /**
   * Identifies the sender without a secret: `token anna`, `token 1a2b3c4d` or `oidc <subject>`. Logged with each
   * request.
   */
  readonly name: string;
  readonly roles: readonly Role[];
  /** A browser sends its session automatically, so its POST requests must come from our own pages. */
  readonly via: 'bearer' | 'session';
};

declare module 'fastify' {
  // oxlint-disable-next-line typescript/consistent-type-definitions -- merged with the framework's own interface
  export interface FastifyRequest {
    principal: Principal | null;
    /** Why it was refused, or failed; `null` = it was not. */
    refusal: ErrorCode | null;
  }
}
