import type { FastifyInstance } from 'fastify';
import type { OpenSpan, Tracing } from '../tracing/trace.ts';
import { whenAnswered } from './answered.ts';

/**
 * A span per request, named by the route's pattern, because a path may contain anything. A trace named by the client is
 * ignored.
 */
export function addTracing(server: FastifyInstance, tracing: Tracing | undefined): void {
  if (!tracing?.queues) return;
  const spans = new WeakMap<object, OpenSpan>();
  server.addHook('onRequest', (request, _reply, done) => {
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
    const notes = { 'http.request.method': request.method, 'http.route': route };
    const span = tracing.open(`${request.method} ${route}`, 'server', notes);
    spans.set(request, span);
    span.run(done);
  });
  whenAnswered(server, (request, _reply, status) => spans.get(request)?.end({ 'http.response.status_code': status }));
}
