import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import { type Environment, secret, wholeNumber, yesOrNo } from './values.ts';
import { type BrowserConfig, browserConfig } from './browsers.ts';
import { isLoopback } from './urls.ts';

/**
 * What a person or a program may do with the service. `metrics` may only read metrics and readiness. `custodian` alone
 * reads stored documents, and little else.
 */
export const roles = ['finance', 'operator', 'custodian', 'intake', 'metrics'] as const;
export type Role = (typeof roles)[number];

/** A bearer token that is accepted. Only its SHA-256 is known. */
export type AccessToken = {
  readonly role: Role;
  readonly sha256: string;
  /** Its name in logs and on pages; unset = the beginning of its hash. */
  readonly name: string | undefined;
};

/** A company's identity provider (OpenID Connect). */
export type OidcConfig = {
  readonly issuer: string;
  readonly audience: string;
  /** Unset = from the issuer's discovery document. */
  readonly jwksUrl: URL | undefined;
  readonly roleClaim: string;
  /** The role that each value of the claim gives. */
  readonly roleOf: ReadonlyMap<string, Role>;
  /** For signing in with a browser. Without it, tokens are checked, but nobody is sent to the provider. */
  readonly client: { readonly id: string; readonly secret: string | undefined } | undefined;
};

/** The configuration of the HTTP service. Contains secrets: never logged. */
export type ServiceConfig = {
  readonly host: string;
  readonly port: number;
  /** The address for browsers and the vendor, without a path. */
  readonly publicUrl: URL | undefined;
  /** Further host names. Without these and `publicUrl`, only loopback names and the listening address are answered. */
  readonly allowedHosts: readonly AllowedHost[];
  /** Addresses and networks whose `X-Forwarded-…` headers are trusted. */
  readonly trustedProxies: readonly string[];
  readonly isReadinessOpen: boolean;
  readonly webhook: { readonly header: string; readonly secrets: readonly string[] };
  readonly tokens: readonly AccessToken[];
  readonly session: { readonly key: Uint8Array | undefined; readonly lifetimeMinutes: number };
  readonly oidc: OidcConfig | undefined;
  /** `undefined` = pages of other sites report nothing. */
  readonly browsers: BrowserConfig | undefined;
};

const origin = (text: string): boolean => {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'https:' || isLoopback(url)) && /^https?:\/\/[^/?#@]+\/?$/.test(text);
};
/** The address that browsers use for the service. */
export const originText = z
  .string()
  .refine(origin, 'must be an https URL without path, query and credentials (plain http for loopback addresses alone)')
  .transform((text) => new URL(text));
const providerUrl = z.string().refine((text) => {
  const url = URL.parse(text);
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url));
  return isSafe && !/[?#@\s]/.test(text);
}, 'must be an https URL without credentials, query and fragment (plain http for loopback addresses alone)');
const reservedHeader = /^(host|cookie|authorization|connection|content-.*|transfer-encoding|x-forwarded-.*|forwarded)$/;

/** A host name of the service, in lower case. Without a port, any port matches. */
export type AllowedHost = { readonly name: string; readonly port: number | undefined };

/** A `Host` header in comparable form; `undefined` if it is invalid. */
export function parseHost(text: string): AllowedHost | undefined {
  const [, name = '', port] = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const { hostname } = URL.parse(`http://${name}`) ?? {};
  if (!hostname || Number(port ?? 0) > 65_535) return undefined;
  return { name: hostname.replace(/\.$/, ''), port: port === undefined ? undefined : Number(port) };
}

const schema = z.object({
  HTTP_HOST: z.string().default('127.0.0.1'),
  HTTP_PORT: wholeNumber(0, 65_535).default(8080),
  HTTP_PUBLIC_URL: originText.optional(),
  HTTP_ALLOWED_HOSTS: z
    .string()
    .default('')
    .transform((text) => text.split(',').map((one) => one.trim()))
    .transform((all) => all.filter((one) => one !== '').map(parseHost))
    .refine((all) => all.every((one) => one !== undefined), 'must be names or addresses, each with or without a port')
    .transform((all) => all.filter((one) => one !== undefined)),
  HTTP_TRUSTED_PROXIES: z
    .string()
    .default('')
    .transform((text) => text.split(',').map((one) => one.trim()))
    .refine(
      (all) => all.every((one) => one === '' || isNetwork(one)),
      'must be addresses or networks (10.0.0.0/8), comma-separated',
    )
    .transform((all) => all.filter((one) => one !== '')),
  HTTP_SESSION_MINUTES: wholeNumber(5, 1_440).default(480),
  HTTP_READYZ_OPEN: yesOrNo.default(false),
  WEBHOOK_SECRET_HEADER: z
    .string()
    .default('x-idscan-ledger-secret')
    .transform((text) => text.toLowerCase())
    .refine(
      (name) => /^[a-z][a-z0-9-]{1,63}$/.test(name) && !reservedHeader.test(name),
      'must be the name of a header of your own',
    ),
  OIDC_ISSUER: providerUrl.optional(),
  OIDC_AUDIENCE: z.string().optional(),
  OIDC_JWKS_URL: providerUrl.transform((text) => new URL(text)).optional(),
  OIDC_ROLE_CLAIM: z.string().default('roles'),
  OIDC_ROLES: z.string().default('finance:finance,operator:operator,custodian:custodian,intake:intake,metrics:metrics'),
  OIDC_CLIENT_ID: z.string().optional(),
});

/** Reads the service's variables. Adds every mistake to `problems`, naming variables but never values. */
export function serviceConfig(given: Environment, problems: string[]): ServiceConfig | undefined {
  const parsed = schema.safeParse(given);
  if (!parsed.success) problems.push(...parsed.error.issues.map((one) => `${one.path.join('.')} ${one.message}`));
  const secrets = webhookSecrets(given, problems);
  const tokens = accessTokens(secret(given, 'HTTP_TOKENS', false, problems), problems);
  const key = sessionKey(secret(given, 'HTTP_SESSION_KEY', false, problems), problems);
  const clientSecret = secret(given, 'OIDC_CLIENT_SECRET', false, problems);
  const browsers = browserConfig(given, problems);
  if (!parsed.success) return undefined;
  const env = parsed.data;
  return Object.freeze({
    host: env.HTTP_HOST,
    port: env.HTTP_PORT,
    publicUrl: env.HTTP_PUBLIC_URL,
    allowedHosts: env.HTTP_ALLOWED_HOSTS,
    trustedProxies: env.HTTP_TRUSTED_PROXIES,
    isReadinessOpen: env.HTTP_READYZ_OPEN,
    webhook: Object.freeze({ header: env.WEBHOOK_SECRET_HEADER, secrets }),
    tokens,
    session: Object.freeze({ key, lifetimeMinutes: env.HTTP_SESSION_MINUTES }),
    oidc: oidcConfig(env, clientSecret, problems),
    browsers,
  });
}

/** The current secret comes first. The previous one is also accepted, until the vendor sends the new one. */
function webhookSecrets(given: Environment, problems: string[]): string[] {
  const names = ['WEBHOOK_SECRET', 'WEBHOOK_SECRET_PREVIOUS'];
  const values = names.map((name) => secret(given, name, false, problems));
  for (const [index, value] of values.entries())
    if (value !== undefined && !/^[!-~]{24,200}$/.test(value))
      problems.push(`${names[index] ?? ''} must have 24 to 200 visible ASCII characters without spaces`);
  if (values[0] === undefined && values[1] !== undefined)
    problems.push('WEBHOOK_SECRET is not set, but WEBHOOK_SECRET_PREVIOUS is');
  return values.filter((value) => value !== undefined);
}

function accessTokens(text: string | undefined, problems: string[]): AccessToken[] {
  const entries = (text ?? '').split(/[,\s]+/).filter((entry) => entry !== '');
  const tokens = entries.flatMap((entry, index): AccessToken[] => {
    const [of, hash = '', name, ...rest] = entry.split(':');
    const role = roles.find((one) => one === of);
    const isNamed = name === undefined || /^[A-Za-z0-9._@-]{1,64}$/.test(name);
    if (role && /^[0-9a-f]{64}$/i.test(hash) && isNamed && rest.length === 0)
      return [{ role, sha256: hash.toLowerCase(), name }];
    problems.push(
      `HTTP_TOKENS entry ${index + 1} must be a role (${roles.join(', ')}), a colon and the token's SHA-256 in hex, ` +
        'and may have another colon and a name (letters, digits, . _ @ -)',
    );
    return [];
  });
  const names = new Map<string, string>();
  for (const { sha256, name } of tokens) {
    if (name === undefined) continue;
    if ((names.get(sha256) ?? name) !== name) problems.push('HTTP_TOKENS gives one token two names');
    names.set(sha256, name);
  }
  return tokens;
}

function sessionKey(text: string | undefined, problems: string[]): Uint8Array | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  problems.push('HTTP_SESSION_KEY must be 32 bytes in hex (64 digits)');
  return undefined;
}

function oidcConfig(
  env: z.output<typeof schema>,
  clientSecret: string | undefined,
  problems: string[],
): OidcConfig | undefined {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId } = env;
  const audience = env.OIDC_AUDIENCE ?? clientId;
  const roleOf = claimRoles(env.OIDC_ROLES, problems);
  const dependents = { ...env, OIDC_CLIENT_SECRET: clientSecret };
  for (const name of ['OIDC_AUDIENCE', 'OIDC_JWKS_URL', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET'] as const)
    if (issuer === undefined && dependents[name] !== undefined) problems.push(`${name} needs OIDC_ISSUER`);
  if (issuer === undefined) return undefined;
  if (clientSecret !== undefined && clientId === undefined) problems.push('OIDC_CLIENT_SECRET needs OIDC_CLIENT_ID');
  if (clientId !== undefined && env.HTTP_PUBLIC_URL === undefined)
    problems.push('OIDC_CLIENT_ID needs HTTP_PUBLIC_URL, to which the provider sends browsers back');
  if (audience === undefined) problems.push('OIDC_ISSUER needs OIDC_AUDIENCE or OIDC_CLIENT_ID');
  return Object.freeze({
    issuer,
    audience: audience ?? '',
    jwksUrl: env.OIDC_JWKS_URL,
    roleClaim: env.OIDC_ROLE_CLAIM,
    roleOf,
    client: clientId === undefined ? undefined : { id: clientId, secret: clientSecret },
  });
}

function claimRoles(text: string, problems: string[]): Map<string, Role> {
  const roleOf = new Map<string, Role>();
  for (const [index, entry] of text.split(',').entries()) {
    const [name = '', ...value] = entry.trim().split(':');
    const role = roles.find((one) => one === name);
    const claim = value.join(':');
    if (!role || claim === '' || roleOf.has(claim))
      problems.push(`OIDC_ROLES entry ${index + 1} must be a role, a colon and a value of the claim that no other has`);
    else roleOf.set(claim, role);
  }
  return roleOf;
}

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix))) return false;
  if (prefix === undefined) return true;
  try {
    new BlockList().addSubnet(address, Number(prefix), family === 4 ? 'ipv4' : 'ipv6');
    return Number(prefix) > 0;
  } catch {
    return false;
  }
}
