import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';

/** TLS of a connection: none, or checked as given. */
export type DatabaseTls = false | (SecureContextOptions & { rejectUnauthorized?: boolean });

/** The TLS settings in a Postgres URL, and what is wrong with the URL. */
export type DatabaseUrl = {
  /** The URL without the TLS parameters. */
  readonly url: string;
  /** `undefined` = the URL says nothing about TLS. */
  readonly tls: DatabaseTls | undefined;
  /** Each one follows the name of a variable. Quotes nothing of the URL except file names. */
  readonly problems: readonly string[];
};

const modes = ['disable', 'no-verify', 'prefer', 'require', 'verify-ca', 'verify-full'];
const tlsParameters = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey'] as const;

/**
 * Reads the TLS settings of a Postgres URL and their files, so that a mistake is found before anything connects. The
 * files are read once: a process sees new ones only after a restart.
 */
export function readDatabaseUrl(text: string): DatabaseUrl {
  const problems: string[] = [];
  const [address = '', query = ''] = text.split(/\?(.*)/s, 2);
  if (!isDecodable(address))
    problems.push('holds a % that is no part of an escape: write it as %25, also in a password');
  const parameters = new URLSearchParams(query);
  const { sslmode, sslrootcert, sslcert, sslkey } = Object.fromEntries(
    tlsParameters.map((name) => [name, parameters.get(name) ?? undefined]),
  );
  if (sslmode !== undefined && !modes.includes(sslmode))
    problems.push(`holds an unknown sslmode: it takes ${modes.join(', ')}`);
  if ((sslcert === undefined) !== (sslkey === undefined))
    problems.push('holds one of sslcert and sslkey: a client certificate needs both');
  const read = (parameter: string, file: string | undefined) => readParameter(parameter, file, problems);
  // libpq's word for the certificate authorities of the system.
  const ca = sslrootcert === 'system' ? undefined : read('sslrootcert', sslrootcert);
  if (ca !== undefined && !holdsCertificates(ca))
    problems.push(`names a file in sslrootcert that holds no certificate in PEM (${sslrootcert ?? ''})`);
  const [cert, key] = [read('sslcert', sslcert), read('sslkey', sslkey)];
  if (cert !== undefined && key !== undefined) problems.push(...pairProblems(cert, key));
  const hasTls = tlsParameters.some((name) => parameters.has(name));
  // With libpq's meaning of the modes, the driver handles TLS itself.
  if (!hasTls || parameters.get('uselibpqcompat') === 'true') return { url: text, tls: undefined, problems };
  for (const name of tlsParameters) parameters.delete(name);
  const url = parameters.size > 0 ? `${address}?${parameters.toString()}` : address;
  if (sslmode === 'disable') return { url, tls: false, problems };
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    ...(sslmode === 'no-verify' ? { rejectUnauthorized: false } : {}),
  };
  return { url, tls, problems };
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function readParameter(parameter: string, file: string | undefined, problems: string[]): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    problems.push(`names a file in ${parameter} that cannot be read (${file}: ${code})`);
    return undefined;
  }
}

function holdsCertificates(text: string): boolean {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block)).length > 0;
  } catch {
    return false;
  }
}

function pairProblems(cert: string, key: string): string[] {
  try {
    createSecureContext({ cert, key });
    return [];
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    return [`names files in sslcert and sslkey that are no certificate with its key, both in PEM (${code})`];
  }
}
