import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../shared_data.ts';
import { documents } from './documents.ts';

const textOf = (file: string): string => readFileSync(join(root, file), 'utf8').replace(/^```[\s\S]*?^```/gm, '');

/** The anchors of a document's headings, as GitHub writes them. */
function anchorsOf(file: string): string[] {
  const seen = new Map<string, number>();
  return [...textOf(file).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = plain.replace(/[^\p{L}\p{N}_\- ]/gu, '').replaceAll(' ', '-');
    const times = seen.get(anchor) ?? 0;
    seen.set(anchor, times + 1);
    return times === 0 ? anchor : `${anchor}-${times}`;
  });
}

/** The links of a document that lead to files of this project or to headings. */
function linksOf(file: string): string[] {
  const links = [...textOf(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);
  return links.filter((target) => !/^[a-z]+:/.test(target));
}

it.each(documents)('%s links to files and headings that there are', (file) => {
  const broken = linksOf(file).filter((link) => {
    const [path, anchor] = link.split('#');
    const target = path === '' ? file : join(file, '..', path);
    if (!existsSync(join(root, target))) return true;
    return anchor !== undefined && !anchorsOf(target).includes(anchor);
  });
  expect(broken).toEqual([]);
});

it('the documents have such links', () => {
  const all = documents.flatMap(linksOf);
  expect(all.length).toBeGreaterThan(50);
  expect(all.filter((link) => link.includes('#')).length).toBeGreaterThan(10);
});
