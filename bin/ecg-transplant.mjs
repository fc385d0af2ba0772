#!/usr/bin/env node
// The sources are TypeScript and run as they are: tsx takes the types off while Node loads them, below node_modules too.
import { register } from 'tsx/esm/api';

register();
const { main } = await import('../src/cli.ts');
process.exitCode = await main(process.argv.slice(2));
