#!/usr/bin/env node
// A checkout runs its TypeScript sources, an installed package what was compiled from them.
import { existsSync } from 'node:fs';

const isCheckout = existsSync(new URL('../src/cli.ts', import.meta.url));
const { keepSignals } = await import(isCheckout ? '../src/lib/first_signals.mjs' : '../dist/lib/first_signals.mjs');
keepSignals();
if (isCheckout) await import('../src/lib/typescript.mjs');
const { main } = await import(isCheckout ? '../src/cli.ts' : '../dist/cli.js');
process.exitCode = await main(process.argv.slice(2));
