import { parseEnv } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseEnvFile } from '../../src/config/env-file.ts';

test('.env is what Node makes of it, wherever a value is not refused', () => {
  const piece = fc.constantFrom(' ', '\t', '#', '"', "'", '`', '=', '\\n', '$', 'x', '\u00e9');
  // A value that begins with a space may be empty: then Node takes the next line for it.
  const value = fc.tuple(fc.constantFrom('x', '"', "'", '`'), fc.array(piece, { maxLength: 8 }));
  const values = fc.array(value, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(values, fc.constantFrom('\n', '\r\n'), (given, lineEnd) => {
      const text = given.map(([first, more], index) => `A${index}=${first}${more.join('')}${lineEnd}`).join('');
      const { variables, problems } = parseEnvFile(Buffer.from(text));
      fc.pre(problems.length === 0);
      expect(variables).toEqual(parseEnv(text));
    }),
    { numRuns: 2_000 },
  );
});
