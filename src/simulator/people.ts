import type { World } from './options.ts';
import { hex, intBetween, pick, randomStream } from './random.ts';

/** The fictitious person of a result. Surname and document number occur nowhere else, so a leak can be searched for. */
export type Person = {
  readonly surname: string;
  readonly givenNames: string;
  readonly documentNumber: string;
  /** `YYYY-MM-DD` */
  readonly birthDate: string;
};

/** The beginning of every surname. */
export const canaryPrefix = 'Canarysson';

const personChannel = 1;
const givenNames = ['Zoë', 'José María', "D'Arcy", 'Anne-Sophie', 'Łukasz', 'Nguyễn Thị', 'Örjan'];

/** The person of one transaction. */
export function personOf(world: World, index: number): Person {
  const random = randomStream(world.words, index, personChannel);
  const twoDigits = (min: number, max: number): string => String(intBetween(random, min, max)).padStart(2, '0');
  return {
    surname: `${canaryPrefix}-${index}-${hex(random, 1)}`,
    givenNames: pick(random, givenNames),
    documentNumber: `XQ${hex(random, 1).toUpperCase()}${index}`,
    birthDate: `${intBetween(random, 1935, 2007)}-${twoDigits(1, 12)}-${twoDigits(1, 28)}`,
  };
}

/** The `result[]` of a document scan. The older shape has no `comparison`. */
export function personFields(person: Person, isOlderShape: boolean): unknown[] {
  const read: [string, string, string[]][] = [
    ['document_number', person.documentNumber, ['mrz', 'visual']],
    ['surname', person.surname, ['mrz', 'visual']],
    ['given_names', person.givenNames, ['visual']],
    ['date_of_birth', person.birthDate, ['mrz', 'visual']],
    ['nationality', 'XXE', ['mrz']],
  ];
  return read.map(([field, value, sources]) => ({
    field,
    validity: 'valid',
    ...(isOlderShape ? {} : { comparison: sources.length > 1 ? 'match' : null }),
    locale: null,
    values: sources.map((source) => ({ source, value })),
  }));
}
