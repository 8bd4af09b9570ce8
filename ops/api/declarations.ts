import ts from 'typescript';

export type Declarations = {
  /** For each file, what it exports, by name. */
  readonly exported: readonly (readonly string[])[];
  /** What of ours the exports refer to and no file exports, by name. */
  readonly behind: readonly string[];
};

const options: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2024,
  lib: ['lib.es2024.d.ts'],
  strict: true,
  skipLibCheck: true,
  noEmit: true,
  types: [],
};

/** Reads declaration files, and those that they import. */
export function declarationsOf(files: readonly string[]): Declarations {
  const program = ts.createProgram([...files], options);
  const checker = program.getTypeChecker();
  const printer = ts.createPrinter({ removeComments: true });
  const seen = new Set<ts.Symbol>();
  const waiting: ts.Symbol[] = [];

  const printed = (symbol: ts.Symbol): string =>
    (symbol.declarations ?? []).map((one) => printDeclaration(checker, printer, one)).join('\n');

  /** What of ours a declaration names, is looked at next. */
  const follow = (node: ts.Node): void => {
    if (isComputed(node)) return;
    if (ts.isIdentifier(node)) {
      const symbol = resolved(checker, checker.getSymbolAtLocation(node));
      if (symbol && isOurs(symbol) && !seen.has(symbol)) waiting.push(symbol);
    }
    ts.forEachChild(node, follow);
  };
  const take = (symbol: ts.Symbol): void => {
    seen.add(symbol);
    for (const declaration of symbol.declarations ?? []) follow(declaration);
  };

  const symbols = files.map((file) => exportsOf(program, checker, file));
  for (const { symbol } of symbols.flat()) take(symbol);
  const behind = new Map<string, string>();
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (seen.has(next)) continue;
    take(next);
    behind.set(`${next.name} ${behind.size}`, printed(next));
  }
  return {
    exported: symbols.map((of) => of.map(({ symbol }) => printed(symbol)).sort(byText)),
    behind: [...behind.values()].sort(byText),
  };
}

function exportsOf(program: ts.Program, checker: ts.TypeChecker, file: string): { symbol: ts.Symbol }[] {
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`${file} exports nothing, or is not there. Run npm run build.`);
  return checker.getExportsOfModule(module).flatMap((one) => {
    const symbol = resolved(checker, one);
    return symbol ? [{ symbol }] : [];
  });
}

function resolved(checker: ts.TypeChecker, symbol: ts.Symbol | undefined): ts.Symbol | undefined {
  return symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** Types, values and functions that a file of ours declares, but not their members and parameters. */
function isOurs(symbol: ts.Symbol): boolean {
  return (symbol.declarations ?? []).some((one) => {
    const isNamed =
      ts.isTypeAliasDeclaration(one) ||
      ts.isVariableDeclaration(one) ||
      ts.isFunctionDeclaration(one) ||
      ts.isClassDeclaration(one);
    return isNamed && !/[\\/]node_modules[\\/](?!idscan-ledger[\\/])/.test(one.getSourceFile().fileName);
  });
}

/** `keyof typeof table`, or a union taken from a list: what comes out is a promise, not where it comes from. */
function isComputed(node: ts.Node): node is ts.TypeAliasDeclaration {
  if (!ts.isTypeAliasDeclaration(node)) return false;
  return (
    ts.isTypeOperatorNode(node.type) ||
    (ts.isIndexedAccessTypeNode(node.type) && ts.isTypeQueryNode(innermost(node.type)))
  );
}

function innermost({ objectType }: ts.IndexedAccessTypeNode): ts.TypeNode {
  return ts.isParenthesizedTypeNode(objectType) ? objectType.type : objectType;
}

/** Types whose members another page has, held against the code by a test. */
const listedElsewhere: Readonly<Record<string, string>> = { ErrorCode: 'operations.md' };

function printDeclaration(checker: ts.TypeChecker, printer: ts.Printer, declaration: ts.Declaration): string {
  if (isComputed(declaration)) {
    const page = listedElsewhere[declaration.name.text];
    if (page !== undefined) return `type ${declaration.name.text} = string; // one of those in ${page}`;
    const type = checker.getTypeAtLocation(declaration);
    const members = type.isUnion() ? type.types : [type];
    const texts = members.map((one) => checker.typeToString(one, undefined, ts.TypeFormatFlags.NoTruncation));
    return `type ${declaration.name.text} =\n${texts
      .sort(byText)
      .map((text) => `    | ${text}`)
      .join('\n')};`;
  }
  const whole = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  const text = printer.printNode(ts.EmitHint.Unspecified, whole, declaration.getSourceFile());
  return text.replace(/^export /, '').replace(/^declare /, '');
}

const byText = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
