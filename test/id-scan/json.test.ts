import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasDuplicateKey, hasInexactNumber, readJson } from '../../src/json.ts';
import { allOf, clientFor, failureOf, json, serve, serveRaw, transaction, transactionId } from './support.ts';

const text = JSON.stringify(transaction());
const read = (body: string): ReturnType<typeof readJson> => readJson(Buffer.from(body));

test.each<[string, string | Buffer]>([
  ['a byte order mark', `\ufeff${text}`],
  ['white space around', `\r\n\t ${text} \n`],
  ['escaped slashes', text.replace('"pending"', '"pen\\/ding"')],
  ['a key and its likeness as a value', text.replace('"pending"', '"state"')],
  ['unknown fields', text.replace('{', '{"score":1e400,"new":{"a":[{"a":{"a":null}}]},')],
  ['depth 100,000 in an unknown field', text.replace('{', `{"new":${'['.repeat(100_000)}${']'.repeat(100_000)},`)],
  ['depth 100,000 of objects', text.replace('{', `{"new":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)},`)],
  ['an own __proto__', text.replace('{', '{"__proto__":{"state":"x"},')],
])('an answer with %s is read', async (_, body) => {
  const server = await serve(json(body));
  const facts = await clientFor(server.base).getTransaction(transactionId);
  expect(facts.createdAt).toEqual(new Date('2026-10-01T10:00:00Z'));
});

test.each<[string, string | Buffer]>([
  ['nothing', ''],
  ['null', 'null'],
  ['a list', '[]'],
  ['a text', '"x"'],
  [
    'invalid UTF-8',
    Buffer.concat([Buffer.from('{"new":"'), Buffer.from([0xc3, 0x28]), Buffer.from(`",${text.slice(1)}`)]),
  ],
  ['Latin-1', Buffer.from(text.replace('pending', 'Müller'), 'latin1')],
  ['UTF-16', Buffer.from(text, 'utf16le')],
  ['two byte order marks', `\ufeff\ufeff${text}`],
  ['two documents', text + text],
  ['a trailing comma', text.replace(/}$/, ',}')],
  ['single quotes', text.replaceAll('"', "'")],
  ['a comment', `/* Mustermann */${text}`],
  ['NaN', text.replace('null', 'NaN')],
  ['only depth', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ['a key twice', text.replace('{', '{"state":"completed",')],
  ['a key twice, escaped', text.replace('{', '{"\\u0073tate":"completed",')],
  ['a key twice deep inside', text.replace('{', '{"new":[{"a":{"b":1,"b":2}}],')],
])('an answer of %s is invalid', async (_, body) => {
  const server = await serve(json(body));
  const error = await failureOf(clientFor(server.base).getTransaction(transactionId), 'vendor_answer_invalid');
  expect(allOf(error)).not.toMatch(/Mustermann|Müller/);
});

test('only one byte order mark is skipped, and one is', () => {
  expect(read('\ufeff1')).toEqual({ value: 1 });
});

test('a text that stops anywhere before its end is cut, not invalid', () => {
  const sample = '{"a":[{"b":"x\\"}","c":1}],"d":null}';
  for (let end = 1; end < sample.length; end += 1)
    expect(read(sample.slice(0, end)), sample.slice(0, end)).toMatchObject({ problem: { kind: 'cut' } });
  for (const text of [`${sample}}`, '}{', ']{{"a":', '{"a":x}'])
    expect(read(text), text).toMatchObject({ problem: { kind: 'invalid' } });
});

describe('content types', () => {
  test.each([
    undefined,
    'application/json',
    'Application/JSON; charset=utf-8',
    'application/problem+json',
    'text/json',
  ])('%s is read', async (type) => {
    const server = await serve((_, response) =>
      response.writeHead(200, type ? { 'content-type': type } : {}).end(text),
    );
    await expect(clientFor(server.base).getTransaction(transactionId)).resolves.toBeDefined();
  });

  test.each(['text/html', 'text/html; x=application/json', 'application/xml', 'text/plain', 'json', ''])(
    '%j is refused though the body is JSON',
    async (type) => {
      const server = await serve((_, response) => response.writeHead(200, { 'content-type': type }).end(text));
      await failureOf(clientFor(server.base).getTransaction(transactionId), 'vendor_answer_invalid');
    },
  );

  test('two that differ are refused', async () => {
    const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-type: text/html\r\n';
    const server = await serveRaw((socket) =>
      socket.on('data', () => socket.end(`${head}content-length: ${text.length}\r\n\r\n${text}`)),
    );
    await failureOf(clientFor(server.base).getTransaction(transactionId), 'vendor_answer_invalid');
  });

  test('HTML with status 200 is refused', async () => {
    const page = '<!doctype html><p>Mustermann';
    const server = await serve((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(page));
    const error = await failureOf(clientFor(server.base).getTransaction(transactionId), 'vendor_answer_invalid');
    expect(allOf(error)).not.toContain('Mustermann');
  });
});

describe('duplicate keys', () => {
  const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `"k${index}":1`);

  test.each([
    ['{}', false],
    ['[{"a":1},{"a":1}]', false],
    ['{"a":{"a":{"a":1}},"b":[{"a":1}]}', false],
    ['{"a":"a","b":"a:","c":"{\\"a\\":1}"}', false],
    ['{"a\\\\":1,"a\\\\\\\\":2,"a":3}', false],
    ['{"a":1,"A":2,"á":3,"a\\u0301":4}', false],
    ['{"a" :1, "b"\t:2}', false],
    ['{"a":1,"a":1}', true],
    ['{"":1,"":1}', true],
    ['{"a":{"x":1},"a":1}', true],
    ['{"a":[{"b":1}],"c":{"d":2},"a" \n :1}', true],
    ['{"a":1,"\\u0061":1}', true],
    ['{"a\\/b":1,"a/b":1}', true],
    ['{"\\ud83d\\ude00":1,"😀":1}', true],
    ['{"__proto__":1,"__proto__":2}', true],
    [`{${many(40).join()}}`, false],
    [`{${[...many(40), '"k0":1'].join()}}`, true],
    [`{${[...many(40), '"k39":1'].join()}}`, true],
    [`{"k0":{${many(20).join()}},${many(20).slice(1).join()}}`, false],
    [`{${many(20).join()},"x":{${many(20).join()}},"y":{${many(20).join()}}}`, false],
    [`{${many(20).join()},"x":{${many(20).join()}},"k3":1}`, true],
  ])('%#: %s', (sample, expected) => {
    expect(() => JSON.parse(sample) as unknown).not.toThrow();
    expect(hasDuplicateKey(sample)).toBe(expected);
  });
});

describe('numbers', () => {
  test.each([
    '0',
    '-0',
    '-0.0',
    '1',
    '0.10',
    '1e2',
    '100',
    '1E+300',
    '9007199254740992',
    '5e-324',
    '1.7976931348623157e308',
  ])('%s is the number that is read', (number) => {
    expect(hasInexactNumber(`{"a":[${number}]}`)).toBe(false);
  });

  test.each([
    '86400.00000000000001',
    '0.10000000000000000000001',
    '9007199254740993',
    '1e400',
    '-1e400',
    '1e-400',
    '4e-324',
  ])('%s is read as another one', (number) => {
    expect(hasInexactNumber(`{"a":[${number}]}`)).toBe(true);
  });

  test('in texts are texts', () => {
    expect(hasInexactNumber('{"9007199254740993":"\\"9007199254740993","b":"\\\\"}')).toBe(false);
  });

  test('that a program writes are read as they were', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => !hasInexactNumber(JSON.stringify(value))));
  });
});
