import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shownTwin, twinOf } from './twins.ts';

/** What ran on both sides during some time. */
export class Evidence {
  /** Functions and classes of the port. */
  readonly twins = new Set<unknown>();
  /** Methods of the port, by class. */
  readonly methods = new Map<unknown, Set<string>>();
  /** Functions and methods of the original; names that were read begin with `=`. */
  readonly original = new Set<string>();

  add(other: Evidence): void {
    for (const twin of other.twins) this.twins.add(twin);
    for (const [owner, methods] of other.methods) for (const method of methods) this.addMethod(owner, method);
    for (const name of other.original) this.original.add(name);
  }

  addMethod(owner: unknown, method: string): void {
    this.methods.set(owner, (this.methods.get(owner) ?? new Set()).add(method));
  }
}

declare global {
  var $entered: ((twin: unknown, method?: string) => void) | undefined;
}

let now = new Evidence();
let read = 0;
const folder = mkdtempSync(join(tmpdir(), 'entered-'));
const path = join(folder, 'entered');
const file = openSync(path, 'a+');

/** Begins to collect: from the twins of this process, and from every Python that it starts from now on. */
export function watchBothSides(): void {
  globalThis.$entered = (twin, method) => {
    now.twins.add(twin);
    if (method !== undefined) now.addMethod(twin, method);
  };
  process.env.ECG_ENTERED = path;
}

/** Notes that a constant of the port was read. */
export function noteRead(value: unknown): void {
  now.twins.add(value);
}

/** What ran since the last call. */
export function takeEvidence(): Evidence {
  const taken = now;
  now = new Evidence();
  const bytes = Buffer.alloc(fstatSync(file).size - read);
  readSync(file, bytes, 0, bytes.length, read);
  read += bytes.length;
  for (const line of bytes.toString('utf8').split('\n')) if (line !== '') taken.original.add(line);
  return taken;
}

export function removeEvidence(): void {
  closeSync(file);
  rmSync(folder, { recursive: true });
}

/** Throws an Error unless both sides of each name ran. */
export async function requireProof(names: readonly string[], { twins, methods, original }: Evidence): Promise<void> {
  for (const name of names) {
    const twin = await twinOf(name);
    const { file, method, value } = twin;
    if (value === undefined) throw new Error(`proves('${name}'): ${file} exports no ${shownTwin(twin)}`);
    const isConstant = typeof value !== 'function';
    const verb = isConstant ? 'read' : 'called';
    const ours = method === undefined ? twins.has(isConstant ? name : value) : methods.get(value)?.has(method);
    if (!ours) throw new Error(`proves('${name}'): the test has not ${verb} ${shownTwin(twin)} of ${file}`);
    const theirs = isConstant
      ? original.has(`=${name}`)
      : original.has(name) || [...original].some((entered) => entered.startsWith(`${name}.`));
    if (!theirs) throw new Error(`proves('${name}'): the test has not ${verb} ${name} of original/`);
  }
}
