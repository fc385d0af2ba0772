import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
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
    proc: unknown;
    /** Callbacks that wait for an answer, by request number. Listeners for events have names. */
    readonly handlers: Record<string, (answer: object) => unknown>;
    start(): void;
  };
}

/** Name under which pythonia looks for the channel inside its child process. */
const channelHandle = Symbol('kChannelHandle');

/**
 * Stands in for the child process that pythonia expects. Pythonia writes to Node's IPC channel through a private symbol of Node, and Node
 * throws an error that cannot be caught if such a channel carries text that is not JSON. Here messages travel over an ordinary pipe
 * instead, and a bad message is an event.
 */
export class Channel extends EventEmitter<{ message: [unknown]; fault: [Error]; closed: [] }> {
  readonly [channelHandle] = { writeUtf8String: (_request: object, line: string): void => this.#write(line) };
  readonly #child: ChildProcess;
  readonly #pipe: Duplex;

  constructor(child: ChildProcess, pipe: Duplex) {
    super();
    this.#child = child;
    this.#pipe = pipe;
    const lines = createInterface({ input: pipe });
    // Writing to a process that has ended fails. The `exit` event reports that in more detail.
    for (const stream of [pipe, lines]) stream.on('error', () => {});
    pipe.on('close', () => this.emit('closed'));
    lines.on('line', (line) => {
      try {
        this.emit('message', JSON.parse(line));
      } catch (error) {
        this.emit('fault', error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  send(message: unknown): void {
    this[channelHandle].writeUtf8String({}, `${JSON.stringify(message)}\n`);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Closes the pipe, which would keep this process alive. */
  close(): void {
    this.#pipe.destroy();
  }

  #write(line: string): void {
    this.#pipe.write(line);
  }
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
): { readonly pythonia: Pythonia; readonly child: ChildProcess; readonly channel: Channel } {
  const processes = require('node:child_process') as {
    spawn(file: string, args: readonly string[], options: SpawnOptions): unknown;
  };
  const { spawn } = processes;
  const output = openSync(log, 'a', 0o600);
  let started: { readonly child: ChildProcess; readonly channel: Channel } | undefined;
  // Pythonia starts `python3 interface.py` by itself when it is loaded. For that moment, spawn starts the process that is wanted here.
  processes.spawn = (_, [script]) => {
    const child = spawn(python, isolatedModule(dirname(script), 'interface', [], ['-u', '-B']), {
      cwd: folder,
      env: { ...isolatedEnvironment(), ...env, NODE_CHANNEL_FD: '3' },
      stdio: ['ignore', output, output, 'pipe'],
    }) as ChildProcess;
    const channel = new Channel(child, child.stdio[3] as Duplex);
    started = { child, channel };
    return channel;
  };
  try {
    const pythonia = require('pythonia') as Pythonia;
    if (!pythonia.com.proc) pythonia.com.start();
    if (!started) throw new BridgeStartError(`${python} could not be started.`);
    return { pythonia, ...started };
  } finally {
    processes.spawn = spawn;
    closeSync(output);
  }
}
