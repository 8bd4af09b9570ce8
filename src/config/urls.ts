/** 127.0.0.0/8, [::1] and localhost. `url.hostname` is normalised already: `127.1` has become `127.0.0.1`. */
export function isLoopback(url: URL): boolean {
  return url.hostname === 'localhost' || url.hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(url.hostname);
}

/**
 * Whether the API may be at this address: https, or plain http on a loopback address; no credentials, query or
 * fragment. While it is valid, a token is worth as much as the secret, so it never crosses a network unencrypted.
 */
export function isAllowedBaseUrl(url: URL): boolean {
  const isSafeScheme = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));
  return isSafeScheme && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}

/** Whether a part of a URL is percent-encoded correctly, so that it can be decoded. */
export function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
