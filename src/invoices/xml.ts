import { SaxesParser } from 'saxes';
import type { LedgerError } from '../errors.ts';
import { control } from './csv/charset.ts';
import { type Source, unreadable } from './refusals.ts';
import { onOneLine } from './values/cells.ts';

/** An element: its attributes under `@name`, its own text under `#text`, its children in lists under their names. */
export type XmlElement = { readonly [name: string]: readonly XmlElement[] | string | undefined };
type Growing = { [name: string]: XmlElement[] | string };

/** 16 MiB: some thirty thousand lines of an invoice. */
export const maxXmlChars = 16 * 1024 * 1024;
const maxDepth = 50;

/**
 * Parses XML, names without their prefixes. Texts stay texts: `0.4500` is not 0.45. Nothing outside the text is ever
 * read, and nothing expands: a DOCTYPE, which external entities and entity bombs need, is refused.
 *
 * @param part what messages call it: a part of a workbook; `undefined` = the file.
 * @throws LedgerError `…_unreadable`, also for what is not well-formed.
 */
export function parseXml(
  text: string,
  source: Source,
  part?: string,
): { readonly name: string; readonly namespace: string; readonly root: XmlElement } {
  const refuse = (message: string, line?: number, cause?: unknown): LedgerError => {
    const mistake = { at: line, message: `${part === undefined ? '' : `${part}: `}${message}` };
    return unreadable(source, [mistake], 'Ask the vendor for the file anew.', cause);
  };
  if (text.length > maxXmlChars) throw refuse('has more than 16 MiB of XML, and no more is read');
  const parser = new SaxesParser({ xmlns: true });
  const document = emptyElement();
  const open: Growing[] = [document];
  let [name, namespace] = ['', ''];
  parser.on('doctype', () => {
    throw refuse('has a DOCTYPE, which no invoice has and which could make it read other files', parser.line);
  });
  parser.on('opentag', ({ local, uri, attributes }) => {
    if (open.length > maxDepth) throw refuse(`is nested more than ${maxDepth} deep`, parser.line);
    if (open.length === 1) [name, namespace] = [local, uri];
    const element: Growing = emptyElement();
    for (const attribute of Object.values(attributes)) element[`@${attribute.local}`] = attribute.value;
    const parent = open.at(-1) ?? document;
    const siblings = parent[local];
    if (Array.isArray(siblings)) siblings.push(element);
    else parent[local] = [element];
    open.push(element);
  });
  parser.on('closetag', () => void open.pop());
  const addText = (more: string): void => {
    if (control.test(more)) throw refuse('has a control character', parser.line);
    const element = open.at(-1) ?? document;
    element['#text'] = `${typeof element['#text'] === 'string' ? element['#text'] : ''}${more}`;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('error', (cause) => {
    // What the library says may quote the file.
    throw refuse('is not whole, or not XML; was the file cut?', parser.line, cause);
  });
  parser.write(text).close();
  const root = document[name]?.[0];
  if (typeof root !== 'object') throw refuse('has no root element');
  return { name, namespace, root };
}

/** Without a prototype, so that no name of an element means anything to JavaScript. */
const emptyElement = (): Growing => Object.create(null) as Growing;

/** All children of a name. */
export const childrenOf = (element: XmlElement | undefined, name: string): readonly XmlElement[] => {
  const found = element?.[name];
  return Array.isArray(found) ? (found as readonly XmlElement[]) : [];
};

/** Those of some names that an element has more than one child of, with how many: of several, none is the right one. */
export const repeated = (element: XmlElement, names: readonly string[]): [name: string, count: number][] =>
  names.map((name): [string, number] => [name, childrenOf(element, name).length]).filter(([, count]) => count > 1);

/** The first element on a path of names. */
export const elementAt = (element: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined =>
  path.reduce<XmlElement | undefined>((parent, name) => childrenOf(parent, name)[0], element);

/** An element's own text, as it is; `undefined` where there is no such element. */
export function rawTextOf(element: XmlElement | undefined): string | undefined {
  const text = element?.['#text'];
  return element && (typeof text === 'string' ? text : '');
}

/** The text of the element on a path, on one line, without the space around it; `undefined` where there is none or it is empty. */
export const textAt = (element: XmlElement | undefined, ...path: readonly string[]): string | undefined =>
  onOneLine(rawTextOf(elementAt(element, ...path)) ?? '') || undefined;

export const attributeOf = (element: XmlElement | undefined, name: string): string | undefined => {
  const value = element?.[`@${name}`];
  return typeof value === 'string' ? value : undefined;
};
