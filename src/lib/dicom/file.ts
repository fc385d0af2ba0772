import { InputError } from '../../errors.ts';
import { readWholeFile } from '../python/whole_file.ts';

/** Elements of a data set by tag, in eight hexadecimal digits: `54001010`. */
export type DataSet = ReadonlyMap<string, DicomElement>;

/** A data element: its bytes, or its items if it is a sequence. */
export interface DicomElement {
  readonly value: Buffer;
  readonly items: readonly DataSet[];
}

const mostBytes = 2 ** 28;
const deepest = 16;
/** Waveform files have a few thousand. */
const mostElements = 2 ** 18;
const undefinedLength = 0xffffffff;
const [itemStart, itemEnd, sequenceEnd] = ['fffee000', 'fffee00d', 'fffee0dd'];
const transferSyntax = '00020010';

/** Sequences that are read where the file does not say which elements are sequences (implicit VR). */
const sequences: ReadonlySet<string> = new Set(['54000100', '003a0200', '003a0208', '003a0211']);

/** Value representations with a length of four bytes. */
const long: ReadonlySet<string> = new Set('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' '));

const syntaxes: Readonly<Record<string, { readonly implicit: boolean }>> = {
  '1.2.840.10008.1.2': { implicit: true },
  '1.2.840.10008.1.2.1': { implicit: false },
};

/**
 * Reads the data set of a DICOM file in little endian, with explicit or implicit VR.
 *
 * @throws FileNotFoundError; InputError naming file and byte for a file that is cut off, another transfer syntax, and too many or too deeply nested elements.
 */
export function readDicom(path: string): DataSet {
  const bytes = Buffer.from(readWholeFile(path, { maxBytes: mostBytes }).buffer);
  if (bytes.toString('latin1', 128, 132) !== 'DICM') {
    throw new InputError('this is not a DICOM file', { file: path, where: 'byte 128', expected: 'DICM' });
  }
  const reader = new ElementReader(path, bytes);
  const meta = reader.readMeta();
  const syntax = textOf(meta, transferSyntax) ?? 'none';
  const known = syntaxes[syntax];
  if (known === undefined) {
    throw new InputError('the transfer syntax cannot be read', {
      file: path,
      got: syntax,
      expected: `${Object.keys(syntaxes).join(' or ')} (little endian, implicit or explicit VR)`,
    });
  }
  return reader.readDataSet(bytes.length, known.implicit, 0);
}

/** Text of an element without the padding around it; undefined if it is missing or empty. */
export function textOf(data: DataSet, tag: string): string | undefined {
  return data.get(tag)?.value.toString('latin1').replace(/\0+$/, '').trim() || undefined;
}

class ElementReader {
  readonly #file: string;
  readonly #bytes: Buffer;
  #at = 132;
  #count = 0;

  constructor(file: string, bytes: Buffer) {
    this.#file = file;
    this.#bytes = bytes;
  }

  /** The elements of group 2, which have explicit VR in every file. */
  readMeta(): DataSet {
    const elements = new Map<string, DicomElement>();
    while (this.#at + 8 <= this.#bytes.length && this.#peekTag().startsWith('0002')) {
      const tag = this.#peekTag();
      elements.set(tag, this.#readElement(false, this.#bytes.length, 0));
    }
    return elements;
  }

  /** Elements up to a byte, or up to the end mark of an item of undefined length. */
  readDataSet(end: number, implicit: boolean, depth: number, toMark = false): DataSet {
    const elements = new Map<string, DicomElement>();
    while (this.#at < end) {
      const tag = this.#peekTag();
      if (toMark && tag === itemEnd) {
        this.#take(8);
        return elements;
      }
      elements.set(tag, this.#readElement(implicit, end, depth));
    }
    if (toMark) this.#fail('an item does not end', 'the end of the file');
    return elements;
  }

  #readElement(implicit: boolean, end: number, depth: number): DicomElement {
    if (++this.#count > mostElements) this.#fail('the file has too many elements', `more than ${mostElements}`);
    const tag = this.#peekTag();
    this.#take(4);
    const vr = implicit ? undefined : this.#take(2).toString('latin1');
    if (vr !== undefined && !/^[A-Z]{2}$/.test(vr)) {
      this.#fail('an element has no value representation', JSON.stringify(vr), `two letters for (${tag})`);
    }
    if (vr !== undefined && long.has(vr)) this.#take(2);
    const length = vr === undefined || long.has(vr) ? this.#take(4).readUInt32LE() : this.#take(2).readUInt16LE();
    // What has an unknown VR and no length is a sequence in implicit VR.
    const inside = implicit || vr === 'UN';
    const isSequence = vr === 'SQ' || length === undefinedLength || (vr === undefined && sequences.has(tag));
    if (!isSequence) return { value: this.#take(length, end), items: [] };
    return { value: Buffer.alloc(0), items: this.#readItems(length, end, inside, depth + 1) };
  }

  #readItems(length: number, end: number, implicit: boolean, depth: number): DataSet[] {
    if (depth > deepest) this.#fail('sequences are nested too deeply', undefined, `at most ${deepest} levels`);
    const isOpen = length === undefinedLength;
    const last = isOpen ? end : this.#at + length;
    if (last > end) this.#fail('the file is cut off', `a sequence of ${length} bytes`);
    const items: DataSet[] = [];
    while (this.#at < last) {
      const tag = this.#peekTag();
      this.#take(4);
      const size = this.#take(4).readUInt32LE();
      if (isOpen && tag === sequenceEnd) return items;
      if (++this.#count > mostElements) this.#fail('the file has too many elements', `more than ${mostElements}`);
      if (tag !== itemStart) this.#fail('a sequence holds something other than items', `(${tag})`);
      const itemLast = size === undefinedLength ? last : this.#at + size;
      if (itemLast > last) this.#fail('the file is cut off', `an item of ${size} bytes`);
      items.push(this.readDataSet(itemLast, implicit, depth, size === undefinedLength));
    }
    if (isOpen) this.#fail('a sequence does not end', 'the end of the file');
    return items;
  }

  #peekTag(): string {
    this.#require(4, this.#bytes.length);
    const hex = (at: number): string => this.#bytes.readUInt16LE(at).toString(16).padStart(4, '0');
    return hex(this.#at) + hex(this.#at + 2);
  }

  #take(count: number, end = this.#bytes.length): Buffer {
    this.#require(count, end);
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  #require(count: number, end: number): void {
    if (this.#at + count > end) this.#fail('the file is cut off', `${end - this.#at} bytes`, `${count} bytes`);
  }

  #fail(summary: string, got?: string, expected?: string): never {
    throw new InputError(summary, { file: this.#file, where: `byte ${this.#at}`, got, expected });
  }
}
