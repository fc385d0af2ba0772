import { ValueError } from './errors.ts';
import { Tuple } from './tuple.ts';

/** What `parseLiteral` returns: any Python literal except bytes and complex numbers. */
export type Literal =
  | null
  | boolean
  | number
  | bigint
  | string
  | Tuple<Literal>
  | Literal[]
  | Map<Literal, Literal>
  | Set<Literal>;

const MAX_DEPTH = 100;
const MAX_TEXT = 1 << 16;
/** Python's own limit on the digits of an integer. */
const MAX_DIGITS = 4300;

/**
 * Reads one Python literal: strings, numbers, `True`, `False`, `None`, tuples, lists, dicts (as `Map`), sets. Twin of `ast.literal_eval`, limited to
 * what data files contain: refuses bytes, complex numbers and arithmetic, and never evaluates anything. Integers beyond 2⁵³ become bigint.
 *
 * @param options.floats whether to accept numbers with a decimal point or an exponent; default true.
 * @throws ValueError naming the character position.
 */
export function parseLiteral(text: string, { floats = true }: { floats?: boolean } = {}): Literal {
  if (text.length > MAX_TEXT)
    throw new ValueError(`not a Python literal: ${text.length} characters, at most ${MAX_TEXT}`);
  const reader = new LiteralReader(text, floats);
  const value = reader.value(0);
  reader.end();
  return value;
}

const NUMBER =
  /[+-]?\s*(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:(?:\d(?:_?\d)*)?\.\d(?:_?\d)*|\d(?:_?\d)*\.?)(?:[eE][+-]?\d(?:_?\d)*)?)/y;
const SPACE = /(?:[ \t\f\r\n]|\\\r?\n)*/y;
const WORD = /[A-Za-z_]\w*/y;
const ESCAPES: { readonly [letter: string]: string } = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

class LiteralReader {
  readonly #text: string;
  readonly #floats: boolean;
  #at = 0;

  constructor(text: string, floats: boolean) {
    this.#text = text;
    this.#floats = floats;
  }

  value(depth: number): Literal {
    if (depth > MAX_DEPTH) this.#fail(`nested deeper than ${MAX_DEPTH}`);
    this.#space();
    const next = this.#text[this.#at];
    switch (next) {
      case undefined:
        return this.#fail('the text ends where a value should start');
      case '(':
        return this.#tuple(depth);
      case '[':
        this.#at++;
        return this.#items(']', depth).values;
      case '{':
        return this.#dictOrSet(depth);
      case "'":
      case '"':
        return this.#strings();
      default:
        return /[0-9.+-]/.test(next) ? this.#number() : this.#word();
    }
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) this.#fail('more text follows after the value');
  }

  #tuple(depth: number): Literal {
    this.#at++;
    const { values, trailingComma } = this.#items(')', depth);
    // A single value in parentheses without a comma is not a tuple.
    return values.length === 1 && !trailingComma ? values[0]! : Tuple.from(values);
  }

  #items(close: string, depth: number): { values: Literal[]; trailingComma: boolean } {
    const values: Literal[] = [];
    let trailingComma = false;
    while (!this.#take(close)) {
      if (values.length > 0 && !trailingComma) this.#fail(`a comma or ${close} is missing`);
      values.push(this.value(depth + 1));
      trailingComma = this.#take(',');
    }
    return { values, trailingComma };
  }

  #dictOrSet(depth: number): Map<Literal, Literal> | Set<Literal> {
    this.#at++;
    const dict = new Map<Literal, Literal>();
    if (this.#take('}')) return dict;
    const first = this.#hashable(depth);
    if (!this.#take(':')) return this.#set(first, depth);
    dict.set(first, this.value(depth + 1));
    while (!this.#take('}')) {
      if (!this.#take(',')) this.#fail('a comma or } is missing');
      if (this.#take('}')) break;
      const key = this.#hashable(depth);
      if (!this.#take(':')) this.#fail('a colon is missing after the key');
      dict.set(key, this.value(depth + 1));
    }
    return dict;
  }

  #set(first: Literal, depth: number): Set<Literal> {
    const set = new Set<Literal>([first]);
    while (!this.#take('}')) {
      if (!this.#take(',')) this.#fail('a comma or } is missing');
      if (this.#take('}')) break;
      set.add(this.#hashable(depth));
    }
    return set;
  }

  /** Accepts only scalars as keys, because Python compares composite keys differently from `Map`. */
  #hashable(depth: number): Literal {
    const value = this.value(depth + 1);
    if (typeof value === 'object' && value !== null)
      this.#fail('only texts, numbers, booleans and None can be keys or set members here');
    if (typeof value === 'boolean')
      this.#fail('True and False are not supported as keys, because Python treats them as 1 and 0');
    return value;
  }

  #strings(): string {
    let text = this.#string(false);
    for (;;) {
      this.#space();
      const next = this.#text[this.#at];
      if (next !== "'" && next !== '"') return text;
      text += this.#string(false);
    }
  }

  #string(raw: boolean): string {
    const start = this.#at;
    const quote = this.#text[start];
    const triple = this.#text.startsWith(quote.repeat(3), start);
    const close = triple ? quote.repeat(3) : quote;
    this.#at += close.length;
    const parts: string[] = [];
    for (;;) {
      if (this.#at >= this.#text.length) this.#fail('the string is not closed', start);
      if (this.#text.startsWith(close, this.#at)) break;
      const letter = this.#text[this.#at];
      if (letter === '\n' && !triple) this.#fail('the string is not closed on its line', start);
      if (letter !== '\\') {
        parts.push(letter);
        this.#at++;
      } else if (raw) {
        parts.push(this.#text.slice(this.#at, this.#at + 2));
        this.#at += 2;
      } else {
        parts.push(this.#escape());
      }
    }
    this.#at += close.length;
    return parts.join('');
  }

  #escape(): string {
    const start = this.#at;
    const letter = this.#text[start + 1];
    if (letter === undefined) this.#fail('the string is not closed', start);
    const plain = ESCAPES[letter];
    if (plain !== undefined) {
      this.#at += 2;
      return plain;
    }
    if (letter === '\n') {
      this.#at += 2;
      return '';
    }
    const rest = this.#text.slice(start + 1, start + 10);
    const octal = /^[0-7]{1,3}/.exec(rest)?.[0];
    if (octal) {
      this.#at += 1 + octal.length;
      return String.fromCharCode(Number.parseInt(octal, 8));
    }
    const digits = { x: 2, u: 4, U: 8 }[letter];
    if (digits !== undefined) {
      const hex = rest.slice(1, 1 + digits);
      if (hex.length !== digits || !/^[0-9a-fA-F]+$/.test(hex))
        this.#fail(`\\${letter} needs ${digits} hexadecimal digits`, start);
      const code = Number.parseInt(hex, 16);
      if (code > 0x10ffff) this.#fail('the character is beyond U+10FFFF', start);
      this.#at += 2 + digits;
      return String.fromCodePoint(code);
    }
    if (letter === 'N') this.#fail('\\N{...} is not supported', start);
    // Python keeps the backslash of an unknown escape.
    this.#at += 2;
    return `\\${letter}`;
  }

  #number(): number | bigint {
    NUMBER.lastIndex = this.#at;
    const found = NUMBER.exec(this.#text)?.[0];
    if (found === undefined) return this.#fail('this is not a number');
    const start = this.#at;
    this.#at += found.length;
    if (/[\w.]/.test(this.#text[this.#at] ?? '')) this.#fail('this is not a number', start);
    const plain = found.replace(/[\s_]/g, '');
    const sign = plain.startsWith('-') ? -1 : 1;
    const digits = plain.replace(/^[+-]/, '');
    if (/^0[xXoObB]/.test(digits) || /^\d+$/.test(digits)) {
      if (/^0\d*[1-9]/.test(digits)) this.#fail('an integer has leading zeros', start);
      if (digits.length > MAX_DIGITS) this.#fail(`an integer of more than ${MAX_DIGITS} digits`, start);
      const exact = BigInt(digits) * BigInt(sign);
      return Number.isSafeInteger(Number(exact)) ? Number(exact) + 0 : exact;
    }
    if (!this.#floats) this.#fail('a float where only integers are expected', start);
    return sign * Number(digits);
  }

  #word(): Literal {
    WORD.lastIndex = this.#at;
    const word = WORD.exec(this.#text)?.[0];
    const start = this.#at;
    if (word === undefined) return this.#fail('this is not a literal');
    this.#at += word.length;
    if (word === 'True') return true;
    if (word === 'False') return false;
    if (word === 'None') return null;
    const quote = this.#text[this.#at];
    if ((quote === "'" || quote === '"') && /^[uU]$/.test(word)) return this.#strings();
    if ((quote === "'" || quote === '"') && /^[rR]$/.test(word)) return this.#string(true);
    return this.#fail(`${word} is not a literal`, start);
  }

  #take(symbol: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== symbol) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    SPACE.lastIndex = this.#at;
    SPACE.exec(this.#text);
    this.#at = SPACE.lastIndex;
  }

  #fail(reason: string, at = this.#at): never {
    const near = JSON.stringify(this.#text.slice(at, at + 20));
    throw new ValueError(`not a Python literal: ${reason} (character ${at}, near ${near})`);
  }
}
