import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { faultOfPath, foldedName, MemberPaths } from '../../../src/lib/python/member_paths.ts';

describe('faultOfPath', () => {
  it.each([
    'af/history.csv',
    './af/predictions/A00001.csv',
    'af//x',
    'af/é/心电图.csv',
    'af/.gitignore',
    'af/digit/agit/x.git',
    'af/console.log',
    'af/com10',
    'af/nulls.csv',
    '.',
  ])('%j is a good path', (path) => {
    expect(faultOfPath(path)).toBeUndefined();
  });

  it.each<[string, readonly string[], RegExp]>([
    ['absolute', ['/etc/passwd', '//host/share', 'C:/x', 'c:x'], /absolute/],
    ['out of the folder', ['..', 'a/../../b', 'a/..'], /with \.\./],
    ['by backslashes', ['..\\x', 'a\\b'], /backslash/],
    [
      'git settings',
      [
        '.git',
        'a/.git/config',
        '.GIT/x',
        '.Git',
        'git~1/config',
        'GIT~2',
        '.git./x',
        '.git /x',
        '.git. ./x',
        '.git::$INDEX_ALLOCATION/x',
      ],
      /a \.git/,
    ],
    [
      'git settings behind invisible characters',
      ['.g\u200cit/config', '.git\u200d', '\ufeff.git'],
      /invisible characters/,
    ],
    ['control characters', ['a\0b', 'a\nb', '\u001b[31m', 'a\u202ebc', 'a\u0085'], /invisible characters/],
    ['not UTF-8', ['a\ufffd'], /UTF-8/],
    ['devices', ['CON', 'a/nul', 'aux.csv', 'COM1.txt', 'lpt9', 'prn .x', 'CONOUT$'], /device/],
    ['streams of a file', ['af/history.csv:hidden', 'af/x::$DATA'], /colon/],
    ['names that Windows shortens', ['a./b', 'a.csv.', 'a.csv ', '...'], /ends in a dot or blank/],
    [
      'long names',
      ['n'.repeat(256), 'é'.repeat(128), `${'d/'.repeat(60)}${`${'n'.repeat(200)}/`.repeat(3)}`.repeat(9)],
      /too long|too deeply/,
    ],
    ['deep nesting', ['d/'.repeat(65)], /too deeply/],
  ])('%s', (_, paths, fault) => {
    for (const path of paths) expect([path, faultOfPath(path)]).toEqual([path, expect.stringMatching(fault)]);
  });
});

describe('foldedName', () => {
  it.each([
    ['REFERENCE.csv', 'reference.CSV'],
    ['é', 'e\u0301'],
    ['straße', 'STRASSE'],
    ['\u017f', 's'],
    ['\u212a', 'k'],
    ['Σ', 'ς'],
    ['ﬁ', 'FI'],
  ])('%s and %s are one', (a, b) => {
    expect(foldedName(a)).toBe(foldedName(b));
  });

  it('keeps different names apart', () => {
    expect(foldedName('A00001')).not.toBe(foldedName('A00002'));
    expect(foldedName('é')).not.toBe(foldedName('e'));
  });
});

describe('MemberPaths', () => {
  function added(...members: readonly string[]): string[] {
    const paths = new MemberPaths('archive.tar');
    return members.map((name) => paths.add(name, name.endsWith('/') ? 'folder' : 'file'));
  }

  it('returns normalised paths; a folder may come before or after its files', () => {
    expect(added('./', './a/', 'a//b', 'c/./d', 'c/')).toEqual(['.', 'a', 'a/b', 'c/d', 'c']);
  });

  it.each<[string, readonly string[], RegExp]>([
    ['a file twice', ['a/b', 'a/./b'], /"a\/\.\/b": refused: a second entry of this name/],
    ['a folder twice', ['a/', 'a/'], /second entry/],
    ['a file in a file', ['a', 'a/b'], /inside a file/],
    ['a file in a file of another case', ['a', 'A/b'], /refused/],
    ['a file where others are', ['a/b', 'a'], /other entries need a folder/],
    ['a file where a folder is', ['a/', 'a'], /second entry/],
    ['a second spelling of a file', ['a/RECORDS', 'a/records'], /some file systems treat as "RECORDS"/],
    ['a second spelling of a folder', ['A/x', 'a/y'], /some file systems treat as "A"/],
    ['another Unicode form', ['é', 'e\u0301'], /some file systems treat as "é"/],
    ['a file without a name', ['.'], /without a name/],
  ])('refuses %s', (_, members, message) => {
    expect(() => added(...members)).toThrow(message);
    expect(() => added(...members)).toThrow(InputError);
  });

  it('takes time proportional to the number of paths', () => {
    const paths = new MemberPaths('archive.tar');
    const begun = Date.now();
    for (let i = 0; i < 100_000; i++) paths.add(`${'d/'.repeat(60)}${i}`, 'file');
    expect(Date.now() - begun).toBeLessThan(20_000);
  });
});
