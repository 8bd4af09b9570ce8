import { seededRandom } from './world.ts';

/** What becomes of a file that is offered at such a URL. */
type UrlEnd = 'refused' | 'gone' | 'stored';
export type HostileUrl = {
  readonly name: string;
  readonly url: string;
  /** Told where it is not `refused`: what WHATWG's rules read as an address of the API itself is asked of the API. */
  readonly end?: UrlEnd;
  /** Whether a client that trusts the URL ends at the trap. */
  readonly isTrap?: boolean;
};

export type UrlWorld = { readonly vendorPort: number; readonly trapPort: number; readonly filePath: string };

/** Every URL that may reach the trap names this, and its own number, so that traces can be found. */
export const canary = 'canary-';

/** An address of the API, spelt otherwise. */
function disguised({ vendorPort: v, trapPort: t, filePath }: UrlWorld): HostileUrl[] {
  const path = `/${canary}file`;
  return [
    { name: 'the API in upper case', url: `HTTP://127.0.0.1:${v}${filePath}`, end: 'stored' },
    { name: 'the API as a decimal address', url: `http://2130706433:${v}${filePath}`, end: 'stored' },
    { name: 'the API with a trailing dot', url: `http://127.0.0.1.:${v}${filePath}`, end: 'stored' },
    { name: 'a fragment with @', url: `http://127.0.0.1:${v}/#@evil.example:${t}${path}`, end: 'gone' },
    { name: 'a query with @', url: `http://127.0.0.1:${v}?@evil.example:${t}${path}`, end: 'gone' },
    { name: 'a path that looks like a host', url: `http://127.0.0.1:${v}//evil.example:${t}${path}`, end: 'gone' },
    { name: 'dots up', url: `http://127.0.0.1:${v}/id-scan/../../../..${path}`, end: 'gone' },
    { name: 'encoded dots up', url: `http://127.0.0.1:${v}/id-scan/%2e%2e/%2e%2e${path}`, end: 'gone' },
    { name: 'an encoded line break in the path', url: `http://127.0.0.1:${v}/%0d%0aHost:evil${path}`, end: 'gone' },
    { name: 'user', url: `http://user@127.0.0.1:${v}${filePath}` },
    { name: 'user and password', url: `http://user:pass@127.0.0.1:${v}${filePath}` },
    { name: 'https instead of http', url: `https://127.0.0.1:${v}${filePath}` },
    { name: 'localhost', url: `http://localhost:${v}${filePath}` },
    { name: 'the address of all interfaces', url: `http://0.0.0.0:${v}${filePath}` },
    { name: 'a port beyond 65535 that wraps around', url: `http://127.0.0.1:${v + 65_536}${filePath}` },
    { name: 'blob of the API', url: `blob:http://127.0.0.1:${v}${filePath}` },
    { name: 'websocket of the API', url: `ws://127.0.0.1:${v}${filePath}` },
    { name: 'relative', url: `../../${canary}file` },
    { name: 'absolute path', url: filePath },
    { name: 'scheme without slashes', url: `http:127.0.0.1:${v}${filePath}` },
    { name: 'a line break in the path', url: `http://127.0.0.1:${v}${filePath}\r\nHost: evil.example` },
    { name: 'a space in front', url: ` http://127.0.0.1:${v}${filePath}` },
    { name: 'a backslash in the path', url: `http://127.0.0.1:${v}\\${canary}file` },
    { name: 'much too long', url: `http://127.0.0.1:${v}${filePath}?${'x'.repeat(8_192)}` },
  ];
}

/** An address that is not the API's. */
function foreign({ vendorPort: v, trapPort: t }: UrlWorld, path: () => string): HostileUrl[] {
  const trap = (name: string, url: string): HostileUrl => ({ name, url: url + path(), isTrap: true });
  return [
    trap('no scheme', `//evil.example:${t}`),
    trap('three slashes', `///evil.example:${t}`),
    trap('backslashes', `\\\\evil.example:${t}`),
    trap('the API as user', `http://127.0.0.1:${v}@evil.example:${t}`),
    trap('the API as user, an @ encoded', `http://127.0.0.1%40:${v}@evil.example:${t}`),
    trap('the API’s port as a password', `http://127.0.0.1:${v}%2f@evil.example:${t}`),
    trap('other port', `http://127.0.0.1:${t}`),
    trap('other address, the API’s port', `http://127.0.0.2:${v}`),
    trap('suffix host', `http://127.0.0.1.evil.example:${v}`),
    trap('prefix host', `http://evil-127.0.0.1.example:${v}`),
    trap('IPv6', `http://[::1]:${v}`),
    trap('decimal address', `http://2130706434:${t}`),
    trap('hexadecimal address', `http://0x7f000002:${t}`),
    trap('octal address', `http://0177.0.0.02:${t}`),
    trap('short address', `http://127.2:${t}`),
    trap('a tab in the host', `http://evil.ex\tample:${t}`),
    trap('a line break in the scheme', `ht\ntp://evil.example:${t}`),
    trap('encoded host', `http://%65vil.example:${t}`),
    trap('ideographic dots', `http://127。0。0。2:${t}`),
    trap('fullwidth digits', `http://１２７.0.0.2:${t}`),
    trap('a soft hyphen in the host', `http://ev\u00adil.example:${t}`),
    trap('upper case', `HTTP://EVIL.EXAMPLE:${t}`),
    trap('trailing dot host', `http://evil.example.:${t}`),
    trap('a scheme without slashes', `https:evil.example:${t}`),
    trap('https elsewhere', `https://evil.example:${t}`),
    trap('a backslash after the API’s origin', `http:\\\\127.0.0.1:${t}`),
    trap('backslash and @', `http://evil.example:${t}\\@127.0.0.1:${v}`),
    trap('fragment and @', `http://evil.example:${t}/#@127.0.0.1:${v}`),
    trap('one slash', `http:/\\evil.example:${t}`),
    { name: 'file', url: 'file:///etc/passwd' },
    { name: 'ftp', url: `ftp://evil.example:${t}${path()}` },
    { name: 'data', url: `data:image/jpeg;base64,/9j/${canary}` },
    { name: 'javascript', url: `javascript:fetch('http://evil.example:${t}${path()}')` },
    { name: 'empty', url: '' },
    { name: 'no address at all', url: 'http://' },
    { name: 'two ports', url: `http://127.0.0.1:${v}:${t}${path()}` },
    { name: 'a null in the host', url: `http://127.0.0.1:${v}\u0000.evil.example:${t}${path()}` },
    { name: 'an encoded null in the host', url: `http://127.0.0.1%00.evil.example:${t}${path()}` },
  ];
}

export function hostileUrls(world: UrlWorld): HostileUrl[] {
  let number = 0;
  return [...disguised(world), ...foreign(world, () => `/${canary}${(number += 1)}`)];
}

const splinters = [
  '\t',
  '\n',
  '\r',
  '\0',
  ' ',
  '@',
  '\\',
  '/',
  '//',
  '#',
  '?',
  ':',
  '%',
  '%00',
  '%2f',
  '%40',
  '%5c',
  '.',
  '..',
  '。',
  '\u200b',
  '\u00ad',
  '\ufeff',
  '\u202e',
  '\ud800',
  '[',
  ']',
  'evil.example',
  'user@',
  'http:',
  'https://',
  '&',
  ';',
];

/** The same with one to three splinters driven into each; nobody knows beforehand what they mean. */
export function splintered(forms: readonly HostileUrl[], count: number, seed: number): string[] {
  const random = seededRandom(seed);
  const upTo = (limit: number): number => Math.floor(random() * limit);
  return Array.from({ length: count }, () => {
    let { url = '' } = forms[upTo(forms.length)] ?? {};
    // Where a URL means something is its beginning.
    for (let left = 1 + upTo(3); left > 0; left -= 1) {
      const at = upTo(Math.min(url.length, 48));
      url = url.slice(0, at) + (splinters[upTo(splinters.length)] ?? '') + url.slice(at + upTo(2));
    }
    return url;
  });
}
