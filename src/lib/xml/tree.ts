import { InputError } from '../../errors.ts';
import { readWholeFile } from '../python/whole_file.ts';
import { decodeXml } from './decode.ts';

/** An element of an XML file. Prefixes of names are left out. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Text directly in the element. */
  readonly text: string;
  readonly line: number;
}

const deepest = 64;
const mostBytes = 2 ** 26;
/** Elements, attributes and references; recordings have a few thousand. */
const mostNodes = 2 ** 18;

const NAME = String.raw`[\p{L}_:][\p{L}\p{M}\p{N}._:-]*`;
const startTag = new RegExp(`<(${NAME})`, 'uy');
const attribute = new RegExp(String.raw`\s+(${NAME})\s*=\s*(?:"([^"<]*)"|'([^'<]*)')`, 'uy');
const startTagEnd = /\s*(\/?)>/y;
const endTag = new RegExp(String.raw`</(${NAME})\s*>`, 'uy');
const documentType = /<!DOCTYPE\s[^<>[\]"']*(?:"[^"]*"\s*|'[^']*'\s*){0,2}>/y;

/** The entities that XML itself defines. */
const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', apos: "'", quot: '"' };

/**
 * Reads an XML file as a tree. Nothing outside the file is read, and only the five entities that XML itself defines are known: a document type may be
 * named, as GE MUSE does, but must not declare anything.
 *
 * @returns the root element.
 * @throws FileNotFoundError; InputError naming file and line for a file that is not well-formed, declares entities, has too many elements, or nests them too
 *   deeply.
 */
export function readXml(path: string): XmlElement {
  return new TreeReader(path, decodeXml(readWholeFile(path, { maxBytes: mostBytes }), path)).read();
}

/** Children of a name. */
export function childrenOf(element: XmlElement | undefined, name: string): readonly XmlElement[] {
  return element?.children.filter((child) => child.name === name) ?? [];
}

/** The first child of a name. */
export function childOf(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((child) => child.name === name);
}

class TreeElement implements XmlElement {
  /** With its prefix. */
  readonly fullName: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: TreeElement[] = [];
  /** Text as it was found, piece by piece. */
  readonly parts: string[] = [];
  readonly line: number;

  constructor(fullName: string, attributes: ReadonlyMap<string, string>, line: number) {
    this.fullName = fullName;
    this.attributes = attributes;
    this.line = line;
  }

  get name(): string {
    return localName(this.fullName);
  }

  get text(): string {
    return this.parts.join('');
  }
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

/** The character that a reference stands for; undefined if XML does not define it. */
function characterOf(name: string): string | undefined {
  const [, hex, decimal] = /^#(?:x([0-9a-f]+)|(\d+))$/i.exec(name) ?? [];
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
  if (code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code < 0xe000)) return String.fromCodePoint(code);
  return Object.hasOwn(entities, name) ? entities[name] : undefined;
}

class TreeReader {
  readonly #file: string;
  readonly #text: string;
  readonly #open: TreeElement[] = [];
  #root: TreeElement | undefined;
  #at = 0;
  #nodes = 0;
  #line = 1;
  #lineEnd: number;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
    this.#lineEnd = this.#lineEndAfter(-1);
  }

  read(): XmlElement {
    while (this.#at < this.#text.length) {
      const next = this.#text.indexOf('<', this.#at);
      const end = next === -1 ? this.#text.length : next;
      if (end > this.#at) this.#addText(this.#decode(this.#text.slice(this.#at, end)));
      this.#at = end;
      if (next !== -1) this.#readMarkup();
    }
    if (this.#open.length > 0) this.#malformed('the end of the file', `</${this.#open.at(-1)!.fullName}>`);
    return this.#root ?? this.#malformed('the end of the file', 'an element');
  }

  #readMarkup(): void {
    if (this.#text.startsWith('<!--', this.#at)) this.#skip('<!--', '-->');
    else if (this.#text.startsWith('<?', this.#at)) this.#skip('<?', '?>');
    else if (this.#text.startsWith('<![CDATA[', this.#at)) this.#addText(this.#skip('<![CDATA[', ']]>'));
    else if (this.#text.startsWith('<!', this.#at)) this.#skipDocumentType();
    else if (this.#text.startsWith('</', this.#at)) this.#closeElement();
    else this.#openElement();
  }

  /** Skips what lies between two marks, and returns it. */
  #skip(start: string, end: string): string {
    const from = this.#at + start.length;
    const to = this.#text.indexOf(end, from);
    if (to === -1) this.#malformed('the end of the file', end);
    this.#at = to + end.length;
    return this.#text.slice(from, to);
  }

  #skipDocumentType(): void {
    if (this.#match(documentType) && this.#root === undefined) return;
    const [head] = this.#text.slice(this.#at, this.#at + 1000).split('>', 1);
    if (!head.includes('[')) this.#malformed(head.slice(0, 40), 'a document type before the first element');
    this.#fail('the document type declares entities or elements, which are not read here');
  }

  #openElement(): void {
    const line = this.#lineHere();
    const name = this.#match(startTag)?.[1] ?? this.#malformed(this.#text.slice(this.#at, this.#at + 20), 'a tag');
    this.#count();
    if (this.#root !== undefined && this.#open.length === 0) this.#malformed(`<${name}`, 'the end of the file');
    if (this.#open.length >= deepest) {
      this.#fail('elements are nested too deeply', undefined, `at most ${deepest} levels`);
    }
    const attributes = new Map<string, string>();
    const names = new Set<string>();
    for (let found = this.#match(attribute); found; found = this.#match(attribute)) {
      this.#count();
      const [, key, double, single] = found;
      if (names.has(key)) this.#malformed(`${key} twice`, 'an attribute once');
      names.add(key);
      attributes.set(localName(key), this.#decode(double ?? single));
    }
    const end = this.#match(startTagEnd) ?? this.#malformed(this.#text.slice(this.#at, this.#at + 20), '>');
    const element = new TreeElement(name, attributes, line);
    this.#open.at(-1)?.children.push(element);
    this.#root ??= element;
    if (end[1] === '') this.#open.push(element);
  }

  #closeElement(): void {
    const expected = `</${this.#open.at(-1)?.fullName ?? ''}>`;
    const name = this.#match(endTag)?.[1] ?? this.#malformed(this.#text.slice(this.#at, this.#at + 20), expected);
    if (name !== this.#open.pop()?.fullName) this.#malformed(`</${name}>`, expected);
  }

  #addText(text: string): void {
    const element = this.#open.at(-1);
    if (element) element.parts.push(text);
    else if (text.trim() !== '') this.#malformed(JSON.stringify(text.trim().slice(0, 20)), 'an element');
  }

  #decode(text: string): string {
    let from = 0;
    const parts: string[] = [];
    for (let at = text.indexOf('&'); at !== -1; at = text.indexOf('&', from)) {
      this.#count();
      const [reference] = /^&[^;&\s]{1,10};/.exec(text.slice(at, at + 12)) ?? [];
      const character = reference === undefined ? undefined : characterOf(reference.slice(1, -1));
      if (character === undefined) this.#malformed(reference ?? text.slice(at, at + 12), 'an entity of XML');
      parts.push(text.slice(from, at), character!);
      from = at + reference!.length;
    }
    return from === 0 ? text : parts.join('') + text.slice(from);
  }

  #count(): void {
    if (++this.#nodes > mostNodes) {
      this.#fail('the file has too many elements', undefined, `at most ${mostNodes} with attributes and references`);
    }
  }

  /** Takes what matches here. */
  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found) this.#at = pattern.lastIndex;
    return found;
  }

  #lineHere(): number {
    while (this.#lineEnd < this.#at) {
      this.#line++;
      this.#lineEnd = this.#lineEndAfter(this.#lineEnd);
    }
    return this.#line;
  }

  /** The next end of a line. It is kept, because to look for it at every element would take quadratic time where lines are long. */
  #lineEndAfter(at: number): number {
    const next = this.#text.indexOf('\n', at + 1);
    return next === -1 ? Number.POSITIVE_INFINITY : next;
  }

  #malformed(got: string, expected: string): never {
    return this.#fail('this is not well-formed XML', got, expected);
  }

  #fail(summary: string, got?: string, expected?: string): never {
    throw new InputError(summary, { file: this.#file, where: `line ${this.#lineHere()}`, got, expected });
  }
}
