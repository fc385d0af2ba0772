#!/usr/bin/env node
// The command `ecg-transplant fetch-data` on a bare clone too: of set-up it needs the npm packages alone, and installs no more.
import { keepSignals } from '../src/lib/first_signals.mjs';

keepSignals();
const { argumentsOf, runInstalled } = await import('./lib/command.mjs');
const { installMissing } = await import('../src/setup/packages.mjs');
process.exitCode = await runInstalled('fetch-data', argumentsOf('fetch-data.mjs'), installMissing);
