import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { childOf, childrenOf, readXml } from '../../../src/lib/xml/tree.ts';

const folder = mkdtempSync(join(tmpdir(), 'xml-'));
const file = join(folder, 'x.xml');
afterAll(() => rmSync(folder, { recursive: true }));

function read(text: string, encoding: BufferEncoding = 'utf8'): ReturnType<typeof readXml> {
  writeFileSync(file, Buffer.from(text, encoding));
  return readXml(file);
}

describe('an XML file', () => {
  it('is a tree of elements without prefixes', () => {
    const root = read(
      '<?xml version="1.0"?><!-- c --><a:r xmlns:a="u" a:k="1 &lt; 2"><b>x&#65;<![CDATA[<y>]]></b>\n<b/></a:r>',
    );
    expect([root.name, root.attributes.get('k')]).toEqual(['r', '1 < 2']);
    expect(childrenOf(root, 'b').map(({ text, line }) => [text, line])).toEqual([
      ['xA<y>', 1],
      ['', 2],
    ]);
    expect(childOf(root, 'c')).toBeUndefined();
  });

  it.each<[string, string, BufferEncoding]>([
    ['UTF-8', '<?xml version="1.0" encoding="utf-8"?><r>µé</r>', 'utf8'],
    ['UTF-8 without a declaration', '<r>µé</r>', 'utf8'],
    ['UTF-8 with a byte order mark', '\ufeff<r>µé</r>', 'utf8'],
    ['ISO-8859-1', '<?xml version="1.0" encoding="ISO-8859-1"?><r>µé</r>', 'latin1'],
    ['UTF-16 with a byte order mark', '\ufeff<?xml version="1.0" encoding="UTF-16"?><r>µé</r>', 'utf16le'],
    ['UTF-16 without one', '<?xml version="1.0" encoding="UTF-16"?><r>µé</r>', 'utf16le'],
    ['UTF-8 that is declared as UTF-16', '<?xml version="1.0" encoding="UTF-16"?><r>µé</r>', 'utf8'],
  ])('in %s', (_, text, encoding) => {
    expect(read(text, encoding).text).toBe('µé');
  });

  it('may name a document type, which is not read', () => {
    expect(read('<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>').name).toBe('r');
  });

  it.each([
    [
      'an external entity',
      '<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]><r>&e;</r>',
      /document type declares entities/,
    ],
    [
      'entities of entities',
      '<!DOCTYPE r [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><r>&b;</r>',
      /document type declares entities/,
    ],
    [
      'an entity that is not declared',
      '<r>&e;</r>',
      /line 1: this is not well-formed XML; got &e;; expected an entity of XML/,
    ],
    ['an element that is not closed', '<r>\n<b></r>', /line 2: this is not well-formed XML; got <\/r>; expected <\/b>/],
    ['the end in an element', '<r><b>', /not well-formed/],
    ['two roots', '<r/><r/>', /not well-formed/],
    ['nothing', '', /not well-formed|no elements/],
    ['text before the root', 'x<r/>', /not well-formed XML; got "x"; expected an element/],
    ['an attribute twice', '<r a="" a=""/>', /got a twice/],
    ['a surrogate', '<r>&#xd800;</r>', /got &#xd800;/],
    ['a name of Object', '<r>&toString;</r>', /got &toString;/],
    ['a document type behind the root', '<r/><!DOCTYPE r>', /not well-formed/],
    ['a comment without an end', '<r><!-- </r>', /expected -->/],
    ['65 levels', '<a>'.repeat(65) + '</a>'.repeat(65), /nested too deeply; expected at most 64 levels/],
    [
      'an unknown encoding',
      '<?xml version="1.0" encoding="EBCDIC"?><r/>',
      /encoding of the file is not known; got EBCDIC/,
    ],
  ])('refused: %s', (_, text, message) => {
    expect(() => read(text)).toThrow(InputError);
    expect(() => read(text)).toThrow(message);
  });

  it('bytes that do not fit the encoding', () => {
    writeFileSync(file, Buffer.from('<r>\xe9</r>', 'latin1'));
    expect(() => readXml(file)).toThrow(/does not fit its encoding; got bytes that are not utf-8/);
  });
});
