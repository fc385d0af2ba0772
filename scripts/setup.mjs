#!/usr/bin/env node
// Puts Python and Node on the same TensorFlow library. Uses only what Node has built in, so it runs on a bare clone.
import { parseArgs } from 'node:util';
import { SetupFailure } from '../src/setup/failure.mjs';
import { help, setUp } from '../src/setup/set_up.mjs';

try {
  const { values } = parseArgs({
    options: { wheelhouse: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) process.stdout.write(help);
  else {
    await setUp(values);
    console.log('Ready: `npm run doctor` shows what both languages run on.');
  }
} catch (error) {
  if (!(error instanceof SetupFailure) && !error.code?.startsWith('ERR_PARSE_ARGS')) throw error;
  console.error(`set-up: ${error.message}`);
  process.exitCode = error instanceof SetupFailure ? 1 : 2;
}
