// Lets Node load this project's TypeScript: `--import` this file, or import it first.
import { register } from 'node:module';

process.setSourceMapsEnabled(true);
register('./typescript_hooks.mjs', import.meta.url);
