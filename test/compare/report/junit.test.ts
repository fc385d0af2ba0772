import { describe, expect, it } from 'vitest';
import { toJunit } from '../../../src/compare/report/junit.ts';
import { runPython } from '../../python.ts';
import { closeRow, comparisonOf, passedRows } from './example.ts';

const unfinished = { suite: 'resume', case: 'kill', because: 'this original has no seed' } as const;

/** What a parser of XML finds. */
interface Node {
  readonly tag: string;
  readonly attributes: { readonly [name: string]: string };
  readonly text: string;
  readonly children: readonly Node[];
}

async function parse(xml: string): Promise<Node> {
  const program = `
import json, sys, xml.etree.ElementTree as e
def node(x): return dict(tag=x.tag, attributes=x.attrib, text=x.text or "", children=[node(c) for c in x])
print(json.dumps(node(e.fromstring(sys.stdin.buffer.read()))))`;
  return JSON.parse(await runPython(['-c', program], { input: xml }));
}

const suiteNamed = (root: Node, name: string): Node =>
  root.children.find(({ attributes }) => attributes.name === name)!;
const testsOf = (suite: Node): readonly Node[] => suite.children.filter(({ tag }) => tag === 'testcase');

describe('junit.xml', () => {
  it('counts rows as tests, differences as failures, cases without rows as skipped or errors', async () => {
    const failed = closeRow('gradients', 'gradients of 3 weights', { passed: false, difference: 2e-11 });
    const broken = { suite: 'weights', case: 'h5', because: 'Python ended' } as const;
    const root = await parse(
      toJunit(
        comparisonOf({
          rows: [...passedRows, failed],
          notRunnable: [unfinished],
          broken: [broken],
          seconds: { gradients: 3.5 },
        }),
      ),
    );
    expect(root.attributes).toMatchObject({ tests: '8', failures: '1', errors: '1', skipped: '1' });
    const gradients = suiteNamed(root, 'gradients');
    expect(gradients.attributes).toMatchObject({ tests: '2', failures: '1', time: '3.5' });
    const [, test] = testsOf(gradients);
    expect(test.attributes).toEqual({ classname: 'compare.gradients', name: 'resnet18: gradients of 3 weights' });
    const [failure] = test.children;
    expect(failure.attributes.message).toContain('2.0e-11, limit 1.0e-11: conv1[0, 3]: 1 in the port');
    expect(failure.text).toContain('npm run compare -- --data /data --seed 2021 --suite gradients --case resnet18');
    expect(testsOf(suiteNamed(root, 'resume'))[0].children).toMatchObject([
      { tag: 'skipped' },
      { tag: 'system-out', text: 'this original has no seed' },
    ]);
    expect(testsOf(suiteNamed(root, 'weights'))[0].children).toMatchObject([
      { tag: 'error', attributes: { message: 'Python ended', type: 'broken off' } },
    ]);
  });

  it('stays well-formed whatever the names are', async () => {
    const name = ']]><a b="&c;">\u0000\u001b\ufffe\ud800 \'"';
    const row = closeRow('gradients', name, { case: name, passed: false, note: name });
    const root = await parse(
      toJunit(
        comparisonOf({ rows: [row], notRunnable: [{ ...unfinished, case: name, because: name }] }, { title: name }),
      ),
    );
    const [test] = testsOf(suiteNamed(root, 'gradients'));
    expect(test.attributes.name).toContain(']]><a b="&c;">\\u0000\\u001b\\ufffe\\ud800');
    expect(test.children[0].text).toContain(']] ><a b=');
  });
});
