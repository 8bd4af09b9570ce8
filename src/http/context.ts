import type { Registry } from 'prom-client';
import type { Role, ServiceConfig } from '../config/config.ts';
import type { QueueContext } from '../jobs/context.ts';

/** What the service on HTTP works with. Built once, in `src/compose/serve.ts`. */
export type ServiceContext = QueueContext & {
  readonly service: ServiceConfig;
  /** What this process counts, its workers' figures included where it has some. */
  readonly registry: Registry;
  /** Whether Redis takes writes, for readiness alone: intake does without it. */
  readonly isRedisReady: () => Promise<boolean>;
};

/** Who asks. */
export type Principal = {
  /** Says who it is without saying a secret: `token anna`, `token 1a2b3c4d` or `oidc <subject>`. Is in the log of each request. */
  readonly name: string;
  readonly roles: readonly Role[];
  /** A browser sends its session by itself, so what it posts has to come from our own pages. */
  readonly via: 'bearer' | 'session';
};

declare module 'fastify' {
  // eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- merged with the framework's own interface
  export interface FastifyRequest {
    principal: Principal | null;
  }
}
