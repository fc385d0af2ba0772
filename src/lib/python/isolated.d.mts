/** Types of `isolated.mjs`. */
export function isolatedEnvironment(env?: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
export function isolated(...program: string[]): string[];
export function isolatedModule(
  folder: string,
  module: string,
  args?: readonly string[],
  options?: readonly string[],
): string[];
