/** What every part of the package throws and reports. */
export { InputError, type Problem } from './errors.ts';
export { lineReporter, type ProgressEvent, type Reporter, silent } from './events.ts';
export {
  AssertionError,
  AttributeError,
  FileNotFoundError,
  IndexError,
  isUserFault,
  KeyError,
  RuntimeError,
  ValueError,
} from './lib/python/errors.ts';
