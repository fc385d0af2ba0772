import type { NdArray } from '../numpy/ndarray.ts';
import { FileBytes, undefinedAddress } from './bytes.ts';
import { readDataset } from './dataset.ts';
import { readGroup } from './group.ts';
import { type HeaderMessage, messageType, readObjectHeader } from './object_header.ts';

/** Content of an HDF5 file: group paths (the root is the empty string) and arrays by path, in the order of the file's index. */
export interface Hdf5Content {
  readonly groups: readonly string[];
  readonly arrays: ReadonlyMap<string, NdArray>;
}

const signature = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');
/** Memory that a group or data set takes, without its path. */
const OBJECT_BYTES = 500;
const maxDepth = 32;
const maxObjects = 100_000;

/** Whether the bytes begin with the HDF5 signature. */
export function isHdf5(bytes: Uint8Array): boolean {
  return bytes.byteLength >= 8 && signature.equals(bytes.subarray(0, 8));
}

/**
 * Reads an untrusted HDF5 file in memory. The arrays are views of `bytes` where their alignment allows it.
 *
 * Accepts the plain files that h5py and Keras write: old-style groups, and contiguous or compact little-endian numbers. An InputError that names the
 * file (`file` is only for messages) and the byte refuses external storage; external, soft and second hard links; virtual, chunked and compressed
 * data sets; references and all other types; overlapping or impossible sizes; and cycles. Reads nothing outside `bytes`, in time linear in their
 * number. The HDF5 C library cannot be used here, because it follows links and external storage while it reads.
 */
export function readHdf5(file: string, bytes: Uint8Array): Hdf5Content {
  const source = new FileBytes(file, bytes);
  const groups: string[] = [];
  const arrays = new Map<string, NdArray>();
  const extents: { path: string; at: number; size: number }[] = [];
  const visited = new Set<number>();

  const visit = (path: string, header: number, depth: number): void => {
    if (header === undefinedAddress) throw source.error(`${path} has no address`, 0);
    if (depth > maxDepth) throw source.error(`groups are nested deeper than ${maxDepth}`, header, { got: path });
    if (visited.has(header)) throw source.error(`${path} is a second hard link to an object`, header);
    if (groups.length + arrays.size >= maxObjects) throw source.error(`more than ${maxObjects} objects`, header);
    visited.add(header);
    source.budget.spend(OBJECT_BYTES + 2 * path.length, 'objects and their paths');
    const messages = readObjectHeader(source, header, path);
    const table = single(source, messages, messageType.symbolTable, path, header);
    const dataspace = single(source, messages, messageType.dataspace, path, header);
    const datatype = single(source, messages, messageType.datatype, path, header);
    const layout = single(source, messages, messageType.layout, path, header);
    if (table && !dataspace && !datatype && !layout) {
      if (table.size < 16) throw source.error(`the symbol table message of ${path} is incomplete`, table.at);
      groups.push(path);
      for (const { name, header: next } of readGroup(source, table.at, path, visited)) {
        visit(path === '' ? name : `${path}/${name}`, next, depth + 1);
      }
    } else if (!table && dataspace && datatype && layout) {
      const { array, at, size } = readDataset(source, path, { dataspace, datatype, layout, messages });
      arrays.set(path, array);
      extents.push({ path, at, size });
    } else {
      throw source.error(`${path || 'the root'} is neither a group nor a data set`, header);
    }
  };

  visit('', readSuperblock(source), 0);
  refuseOverlap(source, extents);
  return { groups, arrays };
}

/** Address of the root group's object header. */
function readSuperblock(source: FileBytes): number {
  if (!isHdf5(source.bytes)) {
    throw source.error('not an HDF5 file', 0, {
      got: `${source.bytes.byteLength} bytes that begin with ${Buffer.from(source.bytes.subarray(0, 8)).toString('hex') || 'nothing'}`,
      expected: signature.toString('hex'),
    });
  }
  const version = source.u8(8);
  if (version !== 0) {
    throw source.error('Keras does not write HDF5 files of this format version', 8, {
      got: `superblock version ${version}`,
      expected: '0',
      next: 'Save the weights again with Keras 3, or with h5py without libver="latest".',
    });
  }
  const sizes = [source.u8(13), source.u8(14)];
  if (sizes.join() !== '8,8')
    throw source.error('addresses and sizes do not have eight bytes each', 13, { got: sizes.join(), expected: '8,8' });
  if (source.address(24) !== 0) throw source.error('the file begins with a user block', 24);
  const end = source.address(40);
  if (end !== source.bytes.byteLength) {
    throw source.error('the length of the file differs from the length in its header', 40, {
      got: `${source.bytes.byteLength} bytes`,
      expected: `${end} bytes`,
      next: 'The file is truncated or damaged: copy or download it again.',
    });
  }
  if (source.address(48) !== undefinedAddress) throw source.error('the file needs a special driver', 48);
  return source.address(64);
}

function single(
  source: FileBytes,
  messages: readonly HeaderMessage[],
  type: number,
  path: string,
  header: number,
): HeaderMessage | undefined {
  const found = messages.filter((message) => message.type === type);
  if (found.length > 1) throw source.error(`${path} has two header messages of the same type`, header);
  return found[0];
}

function refuseOverlap(source: FileBytes, extents: { path: string; at: number; size: number }[]): void {
  const sorted = extents.filter(({ size }) => size > 0).sort((left, right) => left.at - right.at);
  sorted.forEach((extent, index) => {
    const before = sorted[index - 1];
    if (before && before.at + before.size > extent.at) {
      throw source.error(`${extent.path} overlaps ${before.path}`, extent.at);
    }
  });
}
