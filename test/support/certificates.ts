import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { generate } from 'selfsigned';

/** An authority's certificate in a file, as clients want it, and what a server shows that it has signed. */
export type ServerCertificate = { readonly caFile: string; readonly key: string; readonly cert: string };

type Names = { readonly ips?: readonly string[]; readonly hosts?: readonly string[] };

const common = { keyType: 'ec', algorithm: 'sha256' } as const;
const yearMs = 365 * 86_400_000;

/** An authority of its own, and a certificate by it. Nobody keeps the authority's key. */
export async function issueCertificate(
  names: Names,
  expiresAt = new Date(Date.now() + 10 * yearMs),
): Promise<{ ca: string; key: string; cert: string }> {
  // Clocks of containers and machines may differ a little.
  const notBeforeDate = new Date(Math.min(Date.now(), expiresAt.getTime()) - 86_400_000);
  const ca = await generate([{ name: 'commonName', value: 'idscan-ledger tests: authority' }], {
    ...common,
    notBeforeDate,
    notAfterDate: new Date(Date.now() + 10 * yearMs),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const altNames = [
    ...(names.hosts ?? []).map((value) => ({ type: 2 as const, value })),
    ...(names.ips ?? []).map((ip) => ({ type: 7 as const, ip })),
  ];
  const server = await generate([{ name: 'commonName', value: 'idscan-ledger tests: server' }], {
    ...common,
    notBeforeDate,
    notAfterDate: expiresAt,
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames },
    ],
    ca: { key: ca.private, cert: ca.cert },
  });
  return { ca: ca.cert, key: server.private, cert: server.cert };
}

/**
 * The certificate of a server that outlives a run, in a folder beside it. Two runs that begin at once use that of the
 * one that was first.
 */
export async function keptCertificate(folder: string, names: Names): Promise<ServerCertificate> {
  const read = async (): Promise<ServerCertificate> => ({
    caFile: path.join(folder, 'ca.pem'),
    key: await readFile(path.join(folder, 'server.key'), 'utf8'),
    cert: await readFile(path.join(folder, 'server.pem'), 'utf8'),
  });
  const known = await read().catch(() => undefined);
  if (known) return known;
  await mkdir(path.dirname(folder), { recursive: true });
  const made = await mkdtemp(`${folder}-`);
  const { ca, key, cert } = await issueCertificate(names);
  await writeFile(path.join(made, 'ca.pem'), ca);
  await writeFile(path.join(made, 'server.pem'), cert);
  await writeFile(path.join(made, 'server.key'), key, { mode: 0o600 });
  await chmod(made, 0o755);
  await rename(made, folder).catch(() => rm(made, { recursive: true }));
  return read();
}
