type Restricted = { readonly selector: string; readonly message: string };
type Context = {
  readonly options: readonly Restricted[];
  readonly report: (found: { readonly node: unknown; readonly message: string }) => void;
};

/** A rule for oxlint, which has none like it: refuses what a selector matches, with the message that is given with it. */
export default {
  meta: { name: 'restricted' },
  rules: {
    syntax: {
      meta: { schema: false },
      create: ({ options, report }: Context) =>
        Object.fromEntries(
          options.map(({ selector, message }) => [
            selector,
            (node: unknown) => {
              report({ node, message });
            },
          ]),
        ),
    },
  },
};
