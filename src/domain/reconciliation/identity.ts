/** FNV-1a with 64 bits, of the text's code units. */
const basis = 0xcbf29ce484222325n;
const prime = 0x100000001b3n;

/** Names something by what it is about, the same in every run: 16 hexadecimal digits. */
export function identityOf(about: readonly (string | null)[]): string {
  let hash = basis;
  for (const character of JSON.stringify(about)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(character.codePointAt(0) ?? 0)) * prime);
  }
  return hash.toString(16).padStart(16, '0');
}
