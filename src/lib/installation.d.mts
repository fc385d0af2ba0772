/** Types of `installation.mjs`. */
export const root: string;
export const isCheckout: boolean;
export const workFolder: string;
export const setupCommand: string;
export function flavour(): 'cpu' | 'cuda';
export function lockFile(kind?: 'cpu' | 'cuda'): string;
export function sha256(data: string | NodeJS.ArrayBufferView): string;
export function stateFolder(): string;
export function cacheFolder(): string;
export function environmentFolder(): string;
export function peersFolder(): string;
export function pythonExecutable(): string;
