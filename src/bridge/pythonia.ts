import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { isolatedEnvironment, isolatedModule } from '../lib/python/isolated.mjs';
import { BridgeStartError } from './errors.ts';

/** The part of pythonia that the bridge uses. */
export interface Pythonia {
  readonly python: {
    /** Imports a module of Python, or a file by its absolute path. */
    <T extends object>(module: string): Promise<T>;
    exit(): void;
    setFastMode(on: boolean): void;
  };
  readonly com: {
    proc: ChildProcess | null;
    /** What waits for an answer, by the number of its request; listeners for events have names. */
    readonly handlers: Record<string, (answer: object) => unknown>;
    start(): void;
    recieve(message: unknown): unknown;
  };
}

/** Where the process works and what it sees. */
export interface PythonPlace {
  /** Its working folder. */
  readonly folder: string;
  /** File that gets what it prints. */
  readonly log: string;
  /** What is added to the environment of this process. */
  readonly env: Readonly<Record<string, string>>;
}

const require = createRequire(import.meta.url);

/** Starts Python behind pythonia, isolated from the folder and the Python settings of the user. Throws BridgeStartError. */
export function startPython(
  python: string,
  { folder, log, env }: PythonPlace,
): { readonly pythonia: Pythonia; readonly child: ChildProcess } {
  const processes = require('node:child_process') as {
    spawn(file: string, args: readonly string[], options: SpawnOptions): ChildProcess;
  };
  const { spawn } = processes;
  const output = openSync(log, 'a', 0o600);
  // Pythonia starts `python3 interface.py` by itself, when it is loaded: for that moment, spawn does what is wanted here.
  processes.spawn = (_, [script]) =>
    spawn(python, isolatedModule(dirname(script), 'interface', [], ['-u', '-B']), {
      cwd: folder,
      env: { ...isolatedEnvironment(), ...env },
      stdio: ['ignore', output, output, 'ipc'],
    });
  try {
    const pythonia = require('pythonia') as Pythonia;
    if (!pythonia.com.proc) pythonia.com.start();
    const child = pythonia.com.proc;
    if (!child) throw new BridgeStartError(`${python} could not be started.`);
    return { pythonia, child };
  } finally {
    processes.spawn = spawn;
    closeSync(output);
  }
}
