/**
 * The positive control: a client that requests what it is given, resolved against the API, with the token, and follows
 * where it is sent. Reads `{ base, token, urls }` from stdin. The test fails if such a client does not walk into the trap.
 */
import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';

const { base, token, urls } = JSON.parse(await text(process.stdin)) as { base: string; token: string; urls: string[] };

function get(url: URL, hops: number): Promise<void> {
  const client = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const request = client.get(url, { headers: { authorization: `Bearer ${token}` }, agent: false }, (response) => {
      const { location } = response.headers;
      response.resume().once('end', () => {
        if (location !== undefined && hops > 0) get(new URL(location, url), hops - 1).then(resolve, reject);
        else resolve();
      });
    });
    request.once('error', reject);
  });
}

for (const url of urls)
  try {
    await get(new URL(url, base), 2);
  } catch {
    // Not every address leads anywhere.
  }
