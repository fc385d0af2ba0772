import type { InputError } from '../../errors.ts';
import type { FileBytes } from './bytes.ts';

/** One message of an object header: its type, and where its content lies. */
export interface HeaderMessage {
  readonly type: number;
  readonly at: number;
  readonly size: number;
}

/** Message types of the HDF5 file format that this reader uses, or names when it refuses them. */
export const messageType = {
  nil: 0x00,
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  fillValueOld: 0x04,
  fillValue: 0x05,
  link: 0x06,
  externalFiles: 0x07,
  layout: 0x08,
  groupInfo: 0x0a,
  filterPipeline: 0x0b,
  attribute: 0x0c,
  comment: 0x0d,
  modificationTimeOld: 0x0e,
  continuation: 0x10,
  symbolTable: 0x11,
  modificationTime: 0x12,
  attributeInfo: 0x15,
} as const;

/** Messages that do not affect where values are stored. */
const harmless: ReadonlySet<number> = new Set([
  messageType.nil,
  messageType.fillValueOld,
  messageType.fillValue,
  messageType.attribute,
  messageType.comment,
  messageType.modificationTimeOld,
  messageType.modificationTime,
  messageType.attributeInfo,
]);
const used: ReadonlySet<number> = new Set([
  messageType.dataspace,
  messageType.datatype,
  messageType.layout,
  messageType.symbolTable,
  messageType.attribute,
]);

const newKind = 'is a new-style group (track_order, libver "latest", or with external links)';
const plainCopy = 'Keras writes plain files: save the weights again with model.save_weights("….weights.h5").';

/**
 * Messages of the object header at `address`, including its continuation blocks.
 *
 * Accepts only what a plain file of old-style groups and contiguous data sets needs. External storage, links and every other way to point elsewhere
 * are an InputError that names the feature.
 */
export function readObjectHeader(source: FileBytes, address: number, path: string): HeaderMessage[] {
  const where = path === '' ? 'the root group' : path;
  const version = source.u8(address);
  if (version !== 1) {
    throw source.error(`object header of ${where} is not of version 1`, address, {
      got: version === 0x4f ? 'a header of libver "latest"' : `version ${version}`,
      expected: 'version 1',
      next: plainCopy,
    });
  }
  const count = source.u16(address + 2);
  const messages: HeaderMessage[] = [];
  const blocks = [{ at: address + 16, size: source.u32(address + 8) }];
  const starts = new Set<number>();
  let seen = 0;
  let newGroup: InputError | undefined;
  for (let block = blocks.shift(); block !== undefined; block = blocks.shift()) {
    if (starts.has(block.at))
      throw source.error(`object header of ${where} has continuation blocks that form a cycle`, block.at);
    starts.add(block.at);
    source.require(block.at, block.size, `object header of ${where}`);
    const end = block.at + block.size;
    for (let at = block.at; at + 8 <= end && seen < count; seen++) {
      // Several headers may share a continuation block, so reading them all can cost more than the file's size.
      source.budget.work(8, 'messages of its headers');
      const type = source.u16(at);
      const size = source.u16(at + 2);
      const content = at + 8;
      if (content + size > end) {
        throw source.error(`a message in the object header of ${where} is longer than its block`, at, {
          got: `${size} bytes`,
          expected: `at most ${end - content}`,
        });
      }
      if ((source.u8(at + 4) & 0x02) !== 0 && !harmless.has(type)) {
        throw source.error(`${where} has a message that it shares with another object`, at, { next: plainCopy });
      }
      if (type === messageType.continuation) {
        if (size < 16) throw source.error(`object header of ${where} has a damaged continuation`, at);
        blocks.push({ at: source.address(content), size: source.size(content + 8) });
      } else if (used.has(type)) {
        messages.push({ type, at: content, size });
      } else if (type === messageType.linkInfo || type === messageType.groupInfo) {
        // Thrown only if no other message is refused: the kind of a link is the better explanation.
        newGroup ??= source.error(`${where} ${newKind}`, at, { next: plainCopy });
      } else if (!harmless.has(type)) {
        throw source.error(`${where} ${refusal(source, type, content, size)}`, at, { next: plainCopy });
      }
      at = content + size;
    }
  }
  if (newGroup !== undefined) throw newGroup;
  if (seen < count) {
    throw source.error(`object header of ${where} is incomplete`, address, {
      got: `${seen} messages`,
      expected: `${count}`,
    });
  }
  return messages;
}

/** Whether an object has an attribute of this name. Its value is not read. */
export function hasAttribute(source: FileBytes, messages: readonly HeaderMessage[], name: string): boolean {
  return messages.some(({ type, at, size }) => {
    if (type !== messageType.attribute || size < 9) return false;
    const start = source.u8(at) === 3 ? 9 : 8;
    const length = source.u16(at + 2);
    if (start + length > size) return false;
    const bytes = source.slice(at + start, length, 'the name of an attribute');
    return Buffer.from(bytes).toString('latin1').replace(/\0+$/, '') === name;
  });
}

function refusal(source: FileBytes, type: number, at: number, size: number): string {
  switch (type) {
    case messageType.externalFiles:
      return 'keeps its values in an external file, which is never opened';
    case messageType.filterPipeline:
      return 'is compressed or filtered';
    case messageType.link:
      return linkRefusal(source, at, size);
    default:
      return `has a header message of unknown type 0x${type.toString(16).padStart(4, '0')}`;
  }
}

function linkRefusal(source: FileBytes, at: number, size: number): string {
  const linkType = size >= 3 && (source.u8(at + 1) & 0x08) !== 0 ? source.u8(at + 2) : 0;
  if (linkType === 64) return 'contains an external link, which is never followed';
  if (linkType === 1) return 'contains a soft link, which is never followed';
  return newKind;
}
