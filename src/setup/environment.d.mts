/** Types of `environment.mjs`, for the TypeScript sources. */

export interface LibraryFile {
  readonly path: string;
  readonly size: number;
}

export const tensorflowVersion: string;
export const nodeApiVersion: number;
export const libraries: readonly string[];
export const stampName: string;
export function bindingPackage(): string | undefined;
export function bindingFile(folder: string): string;
export function readJson(file: string): unknown;
export function sitePackages(folder?: string): string | undefined;
export function distributions(folder?: string): string[];
export function libraryFiles(folder?: string): Record<string, LibraryFile>;
export function environmentFault(folder?: string, lock?: string): string | undefined;
export function bindingIdentity(folder: string): unknown;
export function bindingFault(): string | undefined;
export function bindingLinks(folder: string): Record<string, string>;
export function packagesFault(): string | undefined;
