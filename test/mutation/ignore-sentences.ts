/** As much of a syntax tree as is looked at. */
type Place = {
  readonly node: {
    readonly type: string;
    readonly value?: unknown;
    readonly quasis?: readonly { readonly value: { readonly raw: string } }[];
  };
};

const textOf = ({ node }: Place): string => {
  if (node.type === 'StringLiteral') return String(node.value);
  return node.type === 'TemplateLiteral' ? (node.quasis ?? []).map(({ value }) => value.raw).join('') : '';
};

/** Of three words or more. Names, codes, formats and tiers are shorter, or have no spaces. */
const isSentence = (text: string): boolean =>
  text.split(/\s+/).filter((word) => /^[\p{L}_']*\p{Ll}[,.:;]?$/u.test(word)).length >= 3;

/** What people read may be worded otherwise: tests assert codes and places. */
export const strykerPlugins = [
  {
    kind: 'Ignore',
    name: 'sentences',
    value: { shouldIgnore: (place: Place): string | undefined => (isSentence(textOf(place)) ? 'wording' : undefined) },
  },
];
