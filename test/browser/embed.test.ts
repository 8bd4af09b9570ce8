import { expect, onTestFinished, test } from 'vitest';

type Embed = { embedTransaction: (options: Record<string, unknown>) => unknown };

const script = new URL('../../src/browser/embed.js', import.meta.url).href;
const url = 'https://vendor.example/frame/TOKEN';

test('addresses are read in browsers that have no URL.parse', async () => {
  const parse = Object.getOwnPropertyDescriptor(URL, 'parse')!;
  Reflect.deleteProperty(URL, 'parse');
  onTestFinished(() => void Object.defineProperty(URL, 'parse', parse));
  const { embedTransaction } = (await import(script)) as Embed;
  const embed = (options: Record<string, unknown>) => () => embedTransaction(options);
  for (const wrong of ['', 'frame/TOKEN', 'javascript:alert(1)', 'ftp://vendor.example'])
    expect(embed({ url: wrong })).toThrow(new TypeError('url must be an http or https address.'));
  expect(embed({ url, vendorOrigin: 'https://vendor.example/frame' })).toThrow(
    new TypeError('vendorOrigin must be an origin such as https://vendor.example.'),
  );
  expect(embed({ url, ledger: 'ledger.example' })).toThrow(new TypeError('ledger must be an http or https address.'));
});
