#!/usr/bin/env node
// The command `ecg-transplant fetch-original`; needs the npm packages alone, so on a bare clone it installs these and nothing else.
import { keepSignals } from '../src/lib/first_signals.mjs';

keepSignals();
const { argumentsOf, runInstalled } = await import('./lib/command.mjs');
const { installMissing } = await import('../src/setup/packages.mjs');
process.exitCode = await runInstalled('fetch-original', argumentsOf('fetch-original.mjs'), installMissing);
