import type { FastifyInstance, FastifyRequest } from 'fastify';
import { roles } from '../../config/config.ts';
import { LedgerError } from '../../errors.ts';
import type { ServiceMeter } from '../../metrics/service.ts';
import type { AuditLog } from '../access-log.ts';
import type { Guard } from '../access/guard.ts';
import { createSignInLimits } from '../access/limits.ts';
import { callbackPath, type OidcSignIn } from '../access/oidc-sign-in.ts';
import type { Sessions } from '../access/sessions.ts';
import { recogniseToken } from '../access/tokens.ts';
import type { ServiceContext } from '../context.ts';
import { acceptForms, field, maxFormBytes } from '../forms.ts';
import { signInPage } from '../pages/sign-in.ts';
import { acceptsHtml, sendPage } from '../pages/send.ts';
import { startPage } from '../pages/start.ts';
import { refuseCrossSite } from '../security.ts';

export type SignInParts = {
  readonly sessions: Sessions;
  readonly guard: Guard;
  readonly oidc: OidcSignIn | undefined;
  readonly meter: ServiceMeter;
  readonly audit: AuditLog;
};

/** Signing in with a browser, by token or identity provider; the start page; signing out. */
export function addSignInRoutes(server: FastifyInstance, context: ServiceContext, parts: SignInParts): void {
  const { sessions, guard, oidc } = parts;
  const hasOidc = oidc !== undefined;
  server.get('/', { onRequest: guard(roles, 'bearer or session') }, (request, reply) => {
    if (request.principal) sendPage(reply, startPage(request.principal));
  });
  server.get('/sign-in', (request, reply) =>
    sendPage(reply, signInPage({ next: nextOf(request.query), hasOidc, hasFailed: false })),
  );
  addForms(server, context, parts);
  if (!oidc) return;
  server.get('/sign-in/oidc', async (request, reply) => {
    const url = await oidc.begin(request, reply, nextOf(request.query));
    return reply.redirect(url.href, 303);
  });
  server.get(callbackPath, async (request, reply) => {
    const { identity, next } = await oidc.finish(request, reply);
    if (identity.roles.length === 0)
      throw new LedgerError('forbidden', 'The identity provider gives you no role here.', {
        hint: 'Ask who manages OIDC_ROLES and OIDC_ROLE_CLAIM of this service.',
      });
    await sessions.start(request, reply, { subject: identity.subject, roles: [...identity.roles] });
    parts.meter.signIn('oidc');
    parts.audit(request, 'signed in', {});
    return reply.redirect(next, 303);
  });
}

function addForms(server: FastifyInstance, { service }: ServiceContext, parts: SignInParts): void {
  const { sessions, oidc, meter, audit } = parts;
  const limits = createSignInLimits(server);
  const onRequest = (request: FastifyRequest): Promise<void> => {
    refuseCrossSite(request, service);
    return Promise.resolve();
  };
  void server.register((scope, _options, done) => {
    acceptForms(scope);
    scope.post('/sign-in', { bodyLimit: maxFormBytes, onRequest }, async (request, reply) => {
      const token = recogniseToken(service.tokens, field(request.body, 'token').trim());
      const next = nextOf(request.body);
      if (!token) {
        meter.signIn('refused');
        await limits.failed(request);
        if (!acceptsHtml(request)) throw new LedgerError('unauthenticated', 'That token is not known here.');
        sendPage(reply.code(401), signInPage({ next, hasOidc: oidc !== undefined, hasFailed: true }));
        return reply;
      }
      await sessions.start(request, reply, { sha256: token.sha256 });
      meter.signIn('token');
      audit(request, 'signed in', {});
      return reply.redirect(next, 303);
    });
    scope.post('/sign-out', { bodyLimit: maxFormBytes, onRequest }, async (request, reply) => {
      await sessions.end(request, reply);
      if (request.principal) audit(request, 'signed out', {});
      return reply.redirect('/sign-in', 303);
    });
    done();
  });
}

/** Where to go after signing in: a path of this service, never another host. */
function nextOf(fields: unknown): string {
  const next = field(fields, 'next');
  return /^\/(?!\/)[\w\-.~/%?&=,:]{0,500}$/.test(next) ? next : '/';
}
