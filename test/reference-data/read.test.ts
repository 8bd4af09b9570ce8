import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readPriceList } from '../../src/reference-data/price-list.ts';
import { readReferenceData } from '../../src/reference-data/read.ts';
import { readRuleTables } from '../../src/reference-data/rule-tables.ts';
import { dataFile, soundPrices as sound } from './support.ts';

describe('rules and prices', () => {
  const rules = fileURLToPath(new URL('../../rules/id-scan.json', import.meta.url));
  const read = (rulesFile: string, pricesFile?: string) =>
    readReferenceData({ rulesFile, pricesFile } as Parameters<typeof readReferenceData>[0]);
  const wrongPrices = () => dataFile(sound.replace('"0.5"', '"x"'));

  test('are read together, the prices if there are any', () => {
    const prices = dataFile(sound);
    expect(read(rules, prices)).toEqual({ rules: readRuleTables(rules), prices: readPriceList(prices) });
    expect(read(rules)).toEqual({ rules: readRuleTables(rules), prices: undefined });
  });

  test.each([
    ['both', () => dataFile('{}'), wrongPrices, ['R:1: tables: is missing', 'P:7: prices.0.unit_price: must be']],
    ['the rules', () => dataFile('{}'), () => dataFile(sound), ['R:1: tables: is missing']],
    ['the prices', () => rules, wrongPrices, ['P:7: prices.0.unit_price: must be']],
  ])('are refused with the mistakes of %s', (_, ofRules, ofPrices, expected) => {
    const [rulesFile, pricesFile] = [ofRules(), ofPrices()];
    let error: unknown;
    try {
      error = read(rulesFile, pricesFile);
    } catch (thrown) {
      error = thrown;
    }
    const hint = expect.stringContaining('Nothing was loaded') as unknown;
    expect(error).toMatchObject({ code: 'data_file_invalid', fields: { problems: expected.length }, hint });
    const lines = (error as Error).message.replaceAll(rulesFile, 'R').replaceAll(pricesFile, 'P').split('\n');
    expect(lines).toEqual(expected.map((one) => expect.stringContaining(one) as unknown));
  });
});
