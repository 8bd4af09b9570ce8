import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { databaseReadiness, notReady } from '../../db/readiness.ts';
import { LedgerError } from '../../errors.ts';
import { newerWords, sayDatabaseNewer } from '../../jobs/database-away.ts';
import type { Guard } from '../access/guard.ts';
import { health, type healthAnswer, readiness, type readyAnswer } from '../api/monitoring.ts';
import type { ServiceContext } from '../context.ts';
import { problemOf } from '../problem.ts';
import { within } from '../../within.ts';

const checkTimeoutMs = 2_000;

type Check = 'ok' | 'failed' | 'left_out';

/** `/healthz`: this process is running. `/readyz`: what it depends on responds. */
export function addHealthRoutes(server: FastifyInstance, context: ServiceContext, guard: Guard): void {
  server.get(health.path, (): z.output<typeof healthAnswer> => ({ status: 'ok' }));
  const onRequest = context.service.isReadinessOpen ? [] : [guard(readiness.roles, readiness.means)];
  server.get(readiness.path, { onRequest }, async (request, reply) => {
    const { checks, isNewer } = await readChecks(context, isRedisLeftOut(request));
    if (isNewer) sayDatabaseNewer(context.log);
    const warnings = isNewer ? { warnings: [newerWords] } : {};
    const failed = Object.entries(checks).filter(([, check]) => check === 'failed');
    const ready: z.output<typeof readyAnswer> = { status: 'ready', checks, ...warnings };
    if (failed.length === 0) return ready;
    const names = failed.map(([name]) => name).join(', ');
    const why = checks.redis === 'failed' ? context.redisHealth.trouble()?.message : undefined;
    const error = new LedgerError('service_unavailable', `Not ready: ${names}.${why === undefined ? '' : ` ${why}`}`, {
      hint: 'Intake does without Redis: a probe that shall cut off traffic asks for /readyz?without=redis.',
    });
    void reply.code(503).header('retry-after', 5).type('application/problem+json');
    return JSON.stringify({ ...problemOf(503, error, request.id), checks, ...warnings });
  });
}

const isRedisLeftOut = ({ query }: FastifyRequest): boolean =>
  typeof query === 'object' && query !== null && 'without' in query && query.without === 'redis';

async function readChecks(
  context: ServiceContext,
  withoutRedis: boolean,
): Promise<{ checks: Record<'postgres' | 'migrations' | 'redis', Check>; isNewer: boolean }> {
  const late = () => new Error('late');
  const [database, redis] = await Promise.all([
    within(checkTimeoutMs, databaseReadiness(context.db), late).catch(() => notReady),
    withoutRedis ? null : within(checkTimeoutMs, context.isRedisReady(), late).catch(() => false),
  ]);
  const check = (isGood: boolean): Check => (isGood ? 'ok' : 'failed');
  const checks = {
    postgres: check(database.postgres),
    migrations: check(database.migrations),
    redis: redis === null ? 'left_out' : check(redis),
  } as const;
  return { checks, isNewer: database.isNewer };
}
