import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/**
 * The test files that take longest, longest first. Where Vitest does not know yet how long each file takes, as in a fresh clone, they start first, so that
 * none of them runs alone at the end.
 */
export const longest: readonly string[] = [
  'test/compare/suites/network_suites.test.ts',
  'test/planted.test.ts',
  'test/package/package.test.ts',
  'test/compare/suites/legacy_suites.test.ts',
  'test/compare/suites/data_suites.test.ts',
  'test/commands/signals.test.ts',
  'test/bridge/seeded_original.test.ts',
  'test/compare/sabotage/sabotage_run.test.ts',
  'test/lib/hostile/corpus.test.ts',
  'test/port/pretraining/trainer.test.ts',
  'test/setup/setup.test.ts',
  'test/publish/publish.test.ts',
];

/** Runs failed test files first, then those that took longest the last time. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isKnown = ({ project, moduleId }: TestSpecification): boolean =>
      this.ctx.cache.getFileTestResults(`${project.name}:${relativeTo(project.config.root, moduleId)}`) !== undefined;
    return sorted.every(isKnown) ? sorted : longestFirst(sorted, ({ moduleId }) => moduleId);
  }
}

/** The longest ones first; the others keep their order. */
export function longestFirst<T>(files: readonly T[], pathOf: (file: T) => string): T[] {
  const rank = (file: T): number => {
    const place = longest.findIndex((path) => pathOf(file).endsWith(`/${path}`));
    return place < 0 ? longest.length : place;
  };
  return [...files].sort((a, b) => rank(a) - rank(b));
}

function relativeTo(root: string, file: string): string {
  return file.startsWith(`${root}/`) ? file.slice(root.length + 1) : file;
}
