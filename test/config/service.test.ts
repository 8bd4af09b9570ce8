import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Environment, loadConfig } from '../../src/config/config.ts';
import type { LedgerError } from '../../src/errors.ts';

const sha256 = createHash('sha256').update('x').digest('hex');
const load = (environment: Environment) => loadConfig(environment, { vendorKey: false, service: true }).service!;

function refused(environment: Environment): string[] {
  try {
    load(environment);
  } catch (error) {
    expect(error).toMatchObject({ code: 'config_invalid' });
    const { message } = error as LedgerError;
    expect(message).not.toContain('S3CR3T');
    return [...message.matchAll(/^ {2}- (\w+)/gm)].map(([, name]) => name!);
  }
  throw new Error('accepted');
}

describe('the service', () => {
  test('is on the loopback address, and open to nobody, unless told', () => {
    expect(load({})).toEqual({
      host: '127.0.0.1',
      port: 8080,
      publicUrl: undefined,
      allowedHosts: [],
      trustedProxies: [],
      isReadinessOpen: false,
      webhook: { header: 'x-idscan-ledger-secret', secrets: [] },
      tokens: [],
      session: { key: undefined, lifetimeMinutes: 480 },
      oidc: undefined,
    });
  });

  test('is not looked at by other commands', () => {
    expect(loadConfig({ HTTP_PORT: 'x' }, { vendorKey: false }).service).toBeUndefined();
  });

  test('takes what is documented', () => {
    const service = load({
      HTTP_TRUSTED_PROXIES: '10.0.0.0/8, ::1,192.168.1.7',
      HTTP_TOKENS: `finance:${sha256}:anna.b@example.com,\n operator:${sha256.toUpperCase()}`,
      HTTP_ALLOWED_HOSTS: 'Ledger.internal, serve:8080,[2001:DB8:0::1]:80,10.0.0.1',
      HTTP_PUBLIC_URL: 'https://idscan.example.com/',
      WEBHOOK_SECRET: 'n'.repeat(24),
      WEBHOOK_SECRET_PREVIOUS: 'o'.repeat(200),
      OIDC_ISSUER: 'https://login.example.com/tenant/v2.0',
      OIDC_CLIENT_ID: 'ledger',
      OIDC_ROLES: 'finance:urn:group:finance,operator:ops',
    });
    expect(service.trustedProxies).toEqual(['10.0.0.0/8', '::1', '192.168.1.7']);
    expect(service.tokens).toEqual([
      { role: 'finance', sha256, name: 'anna.b@example.com' },
      { role: 'operator', sha256 },
    ]);
    expect(service.allowedHosts).toEqual([
      { name: 'ledger.internal', port: undefined },
      { name: 'serve', port: 8080 },
      { name: '[2001:db8::1]', port: 80 },
      { name: '10.0.0.1', port: undefined },
    ]);
    expect(service.webhook.secrets).toEqual(['n'.repeat(24), 'o'.repeat(200)]);
    expect(service.oidc).toMatchObject({ audience: 'ledger', client: { id: 'ledger', secret: undefined } });
    expect(service.oidc?.roleOf).toEqual(
      new Map([
        ['urn:group:finance', 'finance'],
        ['ops', 'operator'],
      ]),
    );
  });

  // One value between bars each.
  const malformed = {
    HTTP_PORT: '65536|x|-1|80.5',
    HTTP_PUBLIC_URL: 'http://example.com|https://example.com/path|https://u:S3CR3T@example.com|ftp://localhost|x',
    HTTP_TRUSTED_PROXIES: '10.0.0.0/33|10.0.0.0/0|all|10.0.0|10.0.0.1/8/9',
    HTTP_TOKENS: `${sha256}|root:${sha256}|finance:S3CR3T|finance:${sha256}:|finance:${sha256}:a:b|finance:${sha256}:a/b|finance:${sha256}:${'x'.repeat(65)}|finance`,
    HTTP_ALLOWED_HOSTS: 'https://x.test|x.test/a|x.test:99999|u:S3CR3T@x.test|a b|[::1|*.x.test|x.test:',
    HTTP_SESSION_KEY: `S3CR3T|${sha256}00`,
    HTTP_SESSION_MINUTES: '4|1441|x',
    HTTP_READYZ_OPEN: 'yes|1',
    WEBHOOK_SECRET: `S3CR3T|${'x'.repeat(23)}|${'x'.repeat(201)}|${'x'.repeat(12)} ${'x'.repeat(12)}|${'é'.repeat(24)}`,
    WEBHOOK_SECRET_HEADER: 'cookie|Authorization|x y|host|content-type|x-forwarded-for|1x|x\r\ny',
    OIDC_ISSUER: 'http://login.example.com|https://u:S3CR3T@x.test|https://x.test/?a=S3CR3T|x',
    OIDC_ROLES: 'root:x|finance|finance:x,operator:x|',
  };
  const values = Object.entries(malformed).flatMap(([name, all]) =>
    all.split('|').map((value) => [name, value] as const),
  );
  test.each(values.filter(([, value]) => value !== ''))('%s=%j is an error', (name, value) => {
    expect(refused({ [name]: value })).toContain(name);
  });

  test('has settings that need each other', () => {
    expect(refused({ WEBHOOK_SECRET_PREVIOUS: 'o'.repeat(24) })).toEqual(['WEBHOOK_SECRET']);
    expect(refused({ OIDC_CLIENT_ID: 'x', OIDC_CLIENT_SECRET: 'S3CR3T' })).toEqual([
      'OIDC_CLIENT_ID',
      'OIDC_CLIENT_SECRET',
    ]);
    expect(refused({ OIDC_ISSUER: 'https://x.test' })).toEqual(['OIDC_ISSUER']);
    expect(refused({ OIDC_ISSUER: 'https://x.test', OIDC_CLIENT_ID: 'x' })).toEqual(['OIDC_CLIENT_ID']);
    expect(refused({ HTTP_TOKENS: `finance:${sha256}:anna,operator:${sha256}:ben` })).toEqual(['HTTP_TOKENS']);
    expect(refused({ HTTP_TOKENS: `finance:${sha256}`, HTTP_TOKENS_FILE: '/S3CR3T' })).toEqual(['HTTP_TOKENS']);
  });
});
