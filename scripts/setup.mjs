#!/usr/bin/env node
// Puts Python and Node on the same TensorFlow library. Uses only what Node has built in, so it runs on a bare clone.
import { SetupFailure } from '../src/setup/failure.mjs';
import { about, notes, setUp } from '../src/setup/set_up.mjs';
import { optionsOf } from './lib/options.mjs';

const { wheelhouse } = optionsOf(
  `usage: npm run setup -- [options]

${about}

Options:
  --wheelhouse DIR  install Python packages from a folder of wheels (default: from PyPI)
  -h, --help        show this text and exit

${notes}
`,
  { wheelhouse: { type: 'string' } },
);

try {
  await setUp({ wheelhouse });
  console.log('Ready. See what both languages run on: npm run doctor');
} catch (error) {
  if (!(error instanceof SetupFailure)) throw error;
  console.error(`set-up: ${error.message}`);
  process.exitCode = 1;
}
