#!/usr/bin/env node
// Makes dist/, the compiled package: JavaScript with source maps, the types of what package.json exports, and the files that are neither.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { root } from '../src/lib/installation.mjs';

const src = join(root, 'src');
const dist = join(root, 'dist');

/** Files that are published as they are. What lets Node load TypeScript is of no use there. */
const isCopied = (file) =>
  /\.(mjs|mts|py|css|json|lock)$/.test(file) &&
  !['lib/typescript.mjs', 'lib/typescript_hooks.mjs', 'lib/worker_entry.mjs'].includes(file);

rmSync(dist, { recursive: true, force: true });
const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [compiler, '--project', join(root, 'tsconfig.build.json')], {
  stdio: 'inherit',
});
if (status === 0) {
  // Sabotage changes the sources, so it stays where they are.
  for (const part of ['compare/sabotage', 'commands/sabotage.js', 'commands/sabotage.js.map']) {
    rmSync(join(dist, part), { recursive: true });
  }
  for (const file of readdirSync(src, { recursive: true }).filter(isCopied)) {
    mkdirSync(dirname(join(dist, file)), { recursive: true });
    cpSync(join(src, file), join(dist, file));
  }
  keepPublicTypes();
}
process.exitCode = status ?? 1;

/** Removes the declarations that no exported module refers to, and makes the exported ones name the types of Node, which compilers since TypeScript 6 take only where asked to. */
function keepPublicTypes() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const entries = Object.values(exports).flatMap(({ types }) => (types ? [join(root, types)] : []));
  const needed = new Set(entries);
  for (const file of needed) {
    const text = readFileSync(file, 'utf8');
    for (const [, path] of text.matchAll(/(?:from |import\(|import )["'](\.[^"']+)["']/g)) {
      needed.add(resolve(dirname(file), path.replace(/\.(m?)[jt]s$/, '.d.$1ts')));
    }
  }
  for (const file of readdirSync(dist, { recursive: true })) {
    if (/\.d\.m?ts$/.test(file) && !needed.has(join(dist, file))) rmSync(join(dist, file));
  }
  for (const file of entries) writeFileSync(file, `/// <reference types="node" />\n${readFileSync(file, 'utf8')}`);
  const lost = [...needed].filter((file) => !existsSync(file));
  if (lost.length > 0) throw new Error(`no declarations: ${lost.join(', ')}`);
}
