import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { belongsToServers, serverFolder, tool } from './processes.ts';

/** An authority of one's own, and a certificate of it for servers on 127.0.0.1. All are paths of files. */
export type Authority = { readonly root: string; readonly certificate: string; readonly key: string };

export async function createAuthority(): Promise<Authority> {
  const folder = await serverFolder();
  // What runs as somebody else has to read the authority's certificate.
  await belongsToServers(folder, 0o755);
  const file = (name: string) => path.join(folder, name);
  const key = (name: string) => [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    file(name),
  ];
  const isAuthority = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign'];
  // The unpacked openssl looks for its settings where it would have been installed.
  await writeFile(file('openssl.cnf'), '[req]\ndistinguished_name=name\n[name]\n');
  const config = ['-config', file('openssl.cnf')];
  const request = ['req', ...config, '-subj'];
  await tool(
    'openssl',
    [...request, '/CN=Authority', '-x509', '-days', '30', ...key('ca.key'), ...isAuthority, '-out', file('ca.pem')],
    folder,
  );
  await tool('openssl', [...request, '/CN=127.0.0.1', ...key('server.key'), '-out', file('server.csr')], folder);
  await writeFile(file('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  const sign = ['x509', '-req', '-in', file('server.csr'), '-CA', file('ca.pem'), '-CAkey', file('ca.key')];
  const rest = ['-CAcreateserial', '-days', '30', '-extfile', file('names'), '-out', file('server.pem')];
  await tool('openssl', [...sign, ...rest], folder);
  return { root: file('ca.pem'), certificate: file('server.pem'), key: file('server.key') };
}
