#!/usr/bin/env node
// Runs on a bare clone, under node or under whichever zx npx brings: sets up first, then goes on with the installed packages.
import { keepSignals } from '../src/lib/first_signals.mjs';

keepSignals();
const { argumentsOf, runInstalled } = await import('./lib/command.mjs');
const { setUp } = await import('../src/setup/set_up.mjs');
const args = argumentsOf('reproduce.mjs');
const isQuestion = args.includes('--help') || args.includes('-h');
process.exitCode = await runInstalled('reproduce', args, async () => isQuestion || setUp(), { paused: 75 });
