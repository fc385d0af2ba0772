#!/usr/bin/env node
// Puts Python and Node on the same TensorFlow library. Uses only what Node has built in, so it runs on a bare clone.
import { parseArgs } from 'node:util';
import { SetupFailure } from '../src/setup/failure.mjs';
import { about, notes, setUp } from '../src/setup/set_up.mjs';

const help = `usage: npm run setup -- [--wheelhouse DIR]

${about}

Options:
  --wheelhouse DIR  install Python packages from a folder of wheels (default: from PyPI)
  -h, --help        show this text and exit

${notes}
`;

try {
  const { values } = parseArgs({
    options: { wheelhouse: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) process.stdout.write(help);
  else {
    await setUp(values);
    console.log('Ready. See what both languages run on: npm run doctor');
  }
} catch (error) {
  if (!(error instanceof SetupFailure) && !error.code?.startsWith('ERR_PARSE_ARGS')) throw error;
  console.error(`set-up: ${error.message}`);
  process.exitCode = error instanceof SetupFailure ? 1 : 2;
}
