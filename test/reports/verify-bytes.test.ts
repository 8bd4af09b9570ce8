import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { writeDialects } from '../../src/reports/dialects.ts';
import { small } from '../support/report-samples.ts';
import { isFull } from '../chaos/world.ts';
import { folderOf, found, manifestOf } from './support.ts';

/** Each takes 15 ms: the short version flips one in forty. */
const step = isFull ? 1 : 41;

test(
  `a flipped byte of any file is found, also of copies for spreadsheets (every ${step}.)`,
  { timeout: 900_000 },
  async () => {
    const directory = folderOf(small);
    await writeDialects(directory, manifestOf(directory), ['excel-nl']);
    expect(await found(directory)).toEqual([]);
    const missed: string[] = [];
    let flips = 0;
    for (const name of readdirSync(directory)) {
      const file = path.join(directory, name);
      const bytes = readFileSync(file);
      for (let at = flips % step; at < bytes.length; at += step) {
        const flipped = Buffer.from(bytes);
        flipped[at] = bytes[at]! ^ (1 << (at % 8));
        writeFileSync(file, flipped);
        flips += 1;
        const problems = await found(directory).catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'verification_impossible' });
          return ['impossible'];
        });
        if (problems.length === 0) missed.push(`${name}, byte ${at}`);
      }
      writeFileSync(file, bytes);
    }
    expect(missed).toEqual([]);
    expect(flips).toBeGreaterThan(5_000 / step);
  },
);
