import { fileURLToPath } from 'node:url';

const isSource = import.meta.url.endsWith('.ts');

/** The file of a module that is started, not imported, given as that of its source: an installed package holds what was compiled from it. */
export function ownModule(source: URL): URL {
  return isSource ? source : new URL(source.href.replace(/\.ts$/, '.js'));
}

/** Arguments of Node that start such a module as a program. */
export function ownProgram(source: URL): string[] {
  return [...(isSource ? typescriptArguments() : []), fileURLToPath(ownModule(source))];
}

/** Arguments of Node that let it load the TypeScript sources of a checkout. */
export function typescriptArguments(): string[] {
  return ['--import', new URL('./typescript.mjs', import.meta.url).href];
}
