#!/usr/bin/env node
// The sources are TypeScript and run as they are: tsx takes the types off while Node loads them, below node_modules too.
import { keepSignals } from '../src/lib/first_signals.mjs';

keepSignals();
await import('../src/lib/typescript.mjs');
const { main } = await import('../src/cli.ts');
process.exitCode = await main(process.argv.slice(2));
