import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../shared_data.ts';

/** What npm says of a tarball. */
export interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

/** The files that git knows or would take, as a bare clone would have them. */
export function copyCheckout(target: string): void {
  const list = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: root });
  for (const path of list.toString('utf8').split('\0').filter(Boolean)) {
    if (!existsSync(join(root, path))) continue;
    mkdirSync(dirname(join(target, path)), { recursive: true });
    cpSync(join(root, path), join(target, path));
  }
}

/** Builds and packs a clone in `folder`, whose packages are those of this checkout; `prepare` may change it before. */
export function pack(folder: string, prepare: (clone: string) => void = () => {}): Packed {
  const clone = join(folder, 'clone');
  copyCheckout(clone);
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
  prepare(clone);
  const output = execFileSync('npm', ['run', '--silent', 'package', '--', '--json', '--pack-destination', folder], {
    cwd: clone,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [packed] = JSON.parse(output.slice(output.indexOf('[\n'))) as Packed[];
  return packed;
}

/**
 * A project that has the tarball installed, and of other packages only those that it depends on: they are links to those of this checkout.
 * @returns the folder of the installed package
 */
export function install(tarball: string, project: string): string {
  const target = join(project, 'node_modules', 'ecg-transplant');
  mkdirSync(target, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '--strip-components=1', '-C', target]);
  const { dependencies } = JSON.parse(readFileSync(join(target, 'package.json'), 'utf8')) as { dependencies: object };
  for (const name of Object.keys(dependencies)) {
    const link = join(project, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), link);
  }
  return target;
}
