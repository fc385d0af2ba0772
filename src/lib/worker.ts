import { Worker, workerData } from 'node:worker_threads';
import { InputError, systemFault } from '../errors.ts';
import { ownModule } from './own_module.ts';
import { AttributeError, FileNotFoundError, IndexError, KeyError, RuntimeError, ValueError } from './python/errors.ts';

/** Starts a thread that runs a module of this package, given as its source. The module gets `input` from `workerInput`. */
export function startWorker(source: URL, input: unknown): Worker {
  const module = ownModule(source);
  const entry = module.pathname.endsWith('.ts') ? new URL('./worker_entry.mjs', import.meta.url) : module;
  // execArgv: by default a thread inherits its process's options, among them a loader of TypeScript.
  return new Worker(entry, { workerData: { module: module.href, input }, execArgv: [] });
}

/** The input with which the calling thread was started. */
export function workerInput<T>(): T {
  return (workerData as { readonly input: T }).input;
}

/** An error as plain data, to send it to another thread without losing its type. */
export interface ErrorMessage {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly path?: string;
}

export function packError(thrown: unknown): ErrorMessage {
  // Messages between threads would lose the code of a system error.
  const error = systemFault(thrown) ?? thrown;
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, stack } = error;
  return error instanceof FileNotFoundError ? { name, message, stack, path: error.path } : { name, message, stack };
}

const types: Readonly<Record<string, new (message: string) => Error>> = {
  InputError,
  ValueError,
  IndexError,
  KeyError,
  AttributeError,
  RuntimeError,
  TypeError,
  RangeError,
};

/** The original error, with its type and the stack of the thread that threw it. */
export function unpackError({ name, message, stack, path }: ErrorMessage): Error {
  const type = types[name] ?? Error;
  const error = name === 'FileNotFoundError' && path !== undefined ? new FileNotFoundError(path) : new type(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
