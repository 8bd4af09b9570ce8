import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readEnvironment } from '../../src/config/config.ts';
import { parseEnvFile } from '../../src/config/env-file.ts';

function folder(): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'idscan-config-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  return directory;
}

describe('.env', () => {
  /** Variables that exist for one test alone. */
  function withVariables(...names: string[]): void {
    onTestFinished(() => {
      for (const name of names) Reflect.deleteProperty(process.env, name);
    });
  }

  test('completes the environment, which goes before it', () => {
    const [given, added] = ['IDSCAN_TEST_GIVEN', 'IDSCAN_TEST_ADDED'];
    withVariables(given, added);
    process.env[given] = 'from the environment';
    const directory = folder();
    writeFileSync(path.join(directory, '.env'), `# a comment\n${given}=from the file\n${added}="from the file"\n`);
    const environment = readEnvironment(directory);
    expect([environment[given], environment[added]]).toEqual(['from the environment', 'from the file']);
  });

  test('need not be there', () => {
    expect(readEnvironment(folder())).toBe(process.env);
  });

  test('that cannot be read is an error, never left out silently', () => {
    const directory = folder();
    mkdirSync(path.join(directory, '.env'));
    expect(() => readEnvironment(directory)).toThrow(expect.objectContaining({ code: 'config_invalid' }) as Error);
  });

  test.each([
    ['leads nowhere', 'nowhere', 'it is a link to a file that is not there'],
    ['leads back to itself', '.env', 'it is a link that leads back to itself'],
  ])('that is a link that %s is an error, too', (_, target, reason) => {
    const directory = folder();
    symlinkSync(target, path.join(directory, '.env'));
    expect(refusalOf(directory)).toContain(reason);
  });

  test('may begin with a byte order mark', () => {
    const name = 'IDSCAN_TEST_MARKED';
    withVariables(name);
    const directory = folder();
    writeFileSync(path.join(directory, '.env'), `\uFEFF${name}=first\n`);
    expect(readEnvironment(directory)[name]).toBe('first');
  });

  test('that cannot be understood is refused with the line of each mistake, and without a value', () => {
    const directory = folder();
    writeFileSync(path.join(directory, '.env'), `A=s3cret#x\n\nB="s3cret\nC: s3cret\nD='s3cret'x\n`);
    const refusal = refusalOf(directory);
    expect(refusal.match(/line \d: \w+/g)).toEqual(['line 1: A', 'line 3: B', 'line 4: is', 'line 5: D']);
    expect(refusal).not.toContain('s3cret');
    expect(process.env['A']).toBeUndefined();
  });
});

/** What it says of the .env in a folder that it refuses. */
function refusalOf(directory: string): string {
  try {
    readEnvironment(directory);
  } catch (error) {
    expect(error).toMatchObject({ code: 'config_invalid' });
    return (error as Error).message;
  }
  throw new Error('It was taken.');
}

describe('the form of .env', () => {
  const read = (text: string | Buffer) => parseEnvFile(Buffer.from(text));

  test.each([
    ['A=x # comment', 'x'],
    ['A= # comment', ''],
    ['A= \n', ''],
    ['A="x #y" # comment', 'x #y'],
    ["A='x#y'", 'x#y'],
    ['A=`x"y`', 'x"y'],
    ['export A = x y ', 'x y'],
    ['A="x\\ny"', 'x\ny'],
    ['A="x\ny"', 'x\ny'],
    ["A=it's", "it's"],
    ['A=x=y\r\n', 'x=y'],
  ])('%j gives %j', (text, value) => {
    expect(read(text)).toEqual({ variables: { A: value }, problems: [] });
  });

  test.each([
    ['is UTF-16, little end first', Buffer.from('\uFEFFA=x\n', 'utf16le'), 'line 1: is in UTF-16'],
    ['is UTF-16, big end first', Buffer.from('\uFEFFA=x\n', 'utf16le').swap16(), 'line 1: is in UTF-16'],
    ['is UTF-16 without a mark', Buffer.from('A=x\n', 'utf16le'), 'line 1: has a NUL byte'],
    ['has NUL bytes', 'A=x\nB=y\0z\n', 'line 2: has a NUL byte'],
    ['is Latin-1', Buffer.from('A=x\nB=\xe9\n', 'latin1'), 'line 2: is not in UTF-8'],
    ['has line ends of CR alone', 'A=x\rB=y\r', 'line 1: has a line end of another kind'],
    ['has a # in a value', 'A=x\nB=pass#word\n', 'line 2: B has a #'],
    ['has a # at the beginning of a value', 'B=#word\n', 'line 1: B has a #'],
    ['has an open quote', 'A=x\nB="y\nC=z\n', 'line 2: B has a quote that is not closed'],
    ['has text behind a quote', 'B="y" z\n', 'line 1: B goes on behind its closing quote'],
    ['has an escaped quote', 'B="y\\"z"\n', 'line 1: B goes on behind its closing quote'],
    ['has another line', 'A=x\nB: y\n', 'line 2: is neither'],
  ])('is refused where it %s', (_, text, problem) => {
    expect(read(text).problems).toEqual([expect.stringContaining(problem) as string]);
  });
});
