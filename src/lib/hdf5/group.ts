import { type FileBytes, undefinedAddress } from './bytes.ts';

/** A name in a group and the object header it leads to. */
export interface GroupEntry {
  readonly name: string;
  readonly header: number;
}

const maxTreeLevel = 8;
const maxNameLength = 1024;
const softLink = 2;
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Entries of a classic group: a version 1 B-tree of symbol table nodes with names in a local heap. `visited` holds every node visited so far in the
 * whole file, so that trees that share a node, or contain themselves, are refused. Soft links are refused.
 */
export function readGroup(source: FileBytes, at: number, path: string, visited: Set<number>): GroupEntry[] {
  const tree = source.address(at);
  const names = readHeap(source, source.address(at + 8), path);
  const entries: GroupEntry[] = [];
  const seen = new Set<string>();
  const readNode = (address: number, level: number | undefined): void => {
    claim(source, address, path, visited);
    source.signature(address, 'TREE', `B-tree of ${label(path)}`);
    const type = source.u8(address + 4);
    const found = source.u8(address + 5);
    if (type !== 0 || found > maxTreeLevel || (level !== undefined && found !== level)) {
      throw source.error(`B-tree of ${label(path)} is damaged`, address, {
        got: `node type ${type}, level ${found}`,
        expected: `node type 0, level ${level ?? `0 to ${maxTreeLevel}`}`,
      });
    }
    const count = source.u16(address + 6);
    for (let index = 0; index < count; index++) {
      const next = source.address(address + 32 + 16 * index);
      if (found > 0) readNode(next, found - 1);
      else readSymbols(next);
    }
  };
  const readSymbols = (address: number): void => {
    claim(source, address, path, visited);
    source.signature(address, 'SNOD', `symbol table of ${label(path)}`);
    const count = source.u16(address + 6);
    source.require(address + 8, 40 * count, `symbol table of ${label(path)}`);
    for (let index = 0; index < count; index++) {
      const entry = address + 8 + 40 * index;
      const name = names(source.size(entry), entry);
      if (seen.has(name)) throw source.error(`${label(path)} holds the name ${JSON.stringify(name)} twice`, entry);
      seen.add(name);
      const kind = source.u32(entry + 16);
      if (kind === softLink) {
        throw source.error(
          `${label(path)} contains the soft link ${JSON.stringify(name)}, which is never followed`,
          entry,
        );
      }
      if (kind > softLink)
        throw source.error(`${label(path)} has an entry of unknown kind`, entry, { got: String(kind) });
      entries.push({ name, header: source.address(entry + 8) });
    }
  };
  readNode(tree, undefined);
  return entries;
}

function label(path: string): string {
  return path === '' ? 'the root group' : path;
}

function claim(source: FileBytes, address: number, path: string, visited: Set<number>): void {
  if (address === undefinedAddress) throw source.error(`${label(path)} has no B-tree of names`, 0);
  if (visited.has(address)) {
    throw source.error(
      `${label(path)} points to a part of the file that another group uses: a cycle or a second hard link`,
      address,
    );
  }
  visited.add(address);
}

/** Reader of the names in the local heap at `address`. */
function readHeap(source: FileBytes, address: number, path: string): (offset: number, at: number) => string {
  if (address === undefinedAddress) throw source.error(`${label(path)} has no heap of names`, 0);
  source.signature(address, 'HEAP', `names of ${label(path)}`);
  const bytes = source.slice(source.address(address + 24), source.size(address + 8), `names of ${label(path)}`);
  return (offset, at) => {
    const length = bytes
      .subarray(Math.min(offset, bytes.byteLength))
      .subarray(0, maxNameLength + 1)
      .indexOf(0);
    if (length < 0) {
      throw source.error(`a name in ${label(path)} has no end within the group's names`, at, {
        got: `offset ${offset}`,
        expected: `an end within ${maxNameLength} bytes`,
      });
    }
    const name = decode(source, bytes.subarray(offset, offset + length), path, at);
    if (name === '' || name === '.' || name === '..' || name.includes('/')) {
      throw source.error(`${label(path)} holds an impossible name`, at, { got: JSON.stringify(name) });
    }
    return name;
  };
}

function decode(source: FileBytes, bytes: Uint8Array, path: string, at: number): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw source.error(`${label(path)} holds a name that is not UTF-8`, at, {
      got: Buffer.from(bytes.subarray(0, 40)).toString('hex'),
    });
  }
}
