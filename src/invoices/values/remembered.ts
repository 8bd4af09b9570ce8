const mostTexts = 10_000;

/** A function of texts that keeps what it said of the first ones: in a long file most values come again and again. */
export function remembered<T>(of: (text: string) => T): (text: string) => T {
  const known = new Map<string, { readonly value: T }>();
  return (text) => {
    const before = known.get(text);
    if (before) return before.value;
    const value = of(text);
    if (known.size < mostTexts) known.set(text, { value });
    return value;
  };
}
