import { afterEach, describe, expect, it, vi } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { isAddress, readAddress } from '../../src/lib/address.ts';

const digest = 'ab'.repeat(32);
const file = (text: string) => readAddress(text, 'file', '--weights-file');
const folder = (text: string) => readAddress(text, 'folder', '--job-dir');

afterEach(() => vi.unstubAllEnvs());

describe('addresses', () => {
  it('are told from paths', () => {
    expect(['https://a/b', 'hf://a/b/c@d', 'HTTP://a'].every(isAddress)).toBe(true);
    expect(['jobs/a', '/a', 'C:\\a', 'file:///a', 'https:/a'].some(isAddress)).toBe(false);
  });

  it('of a file on the web', () => {
    expect(file(`https://example.org/a/b.weights.h5?x=1#sha256=${digest.toUpperCase()}`)).toEqual({
      text: 'https://example.org/a/b.weights.h5?x=1',
      url: 'https://example.org/a/b.weights.h5?x=1',
      name: 'b.weights.h5',
      sha256: digest,
    });
    expect(file('https://example.org/%zz/..%2f.bashrc').name).toBe('_2f.bashrc');
  });

  it('of a file and of a folder in a repository of Hugging Face', () => {
    expect(file('hf://anna/ecg-af/sub/best_model.weights.h5@refs/pr/1')).toEqual({
      text: 'hf://anna/ecg-af/sub/best_model.weights.h5@refs/pr/1',
      url: 'https://huggingface.co/anna/ecg-af/resolve/refs%2Fpr%2F1/sub/best_model.weights.h5',
      name: 'best_model.weights.h5',
    });
    expect(folder('hf://anna/ecg-af@v1.0').url).toBe('https://huggingface.co/anna/ecg-af/resolve/v1.0/');
    expect(folder('hf://anna/ecg-af/small@v1.0').url).toBe('https://huggingface.co/anna/ecg-af/resolve/v1.0/small/');
    vi.stubEnv('HF_ENDPOINT', 'https://mirror.example.org/');
    expect(folder('hf://anna/ecg-af@v1.0').url).toBe('https://mirror.example.org/anna/ecg-af/resolve/v1.0/');
  });

  it('of a folder on the web end in a slash', () => {
    expect(folder('https://example.org/models/af').url).toBe('https://example.org/models/af/');
    expect(folder('https://example.org/models/af/').url).toBe('https://example.org/models/af/');
  });

  it.each([
    [
      'without a revision',
      () => file('hf://anna/ecg-af/a.weights.h5'),
      /does not name a revision.*a\.weights\.h5@main/,
    ],
    ['with an empty revision', () => folder('hf://anna/ecg-af@'), /does not name a revision.*hf:\/\/anna\/ecg-af@main/],
    [
      'of a repository where a file is needed',
      () => file('hf://anna/ecg-af@main'),
      /expected hf:\/\/OWNER\/REPO\/FILE@REVISION/,
    ],
    ['without a repository', () => folder('hf://anna@main'), /expected hf:\/\/OWNER\/REPO@REVISION/],
    ['that leads out of the repository', () => file('hf://anna/ecg-af/../../b/c.h5@main'), /invalid address/],
    ['with another fragment', () => file('https://a.org/b#top'), /invalid checksum; got #top/],
    ['with half a checksum', () => file('https://a.org/b#sha256=abcd'), /64 hexadecimal digits/],
    ['with a password', () => file('https://anna:secret@a.org/b'), /^(?!.*secret).*an address without/],
    ['of a folder where a file is needed', () => file('https://a.org/b/'), /expected the address of a file/],
    ['with a query where a folder is needed', () => folder('https://a.org/b?c'), /without a query/],
    ['that cannot be parsed', () => file('https://'), /invalid address; got https:\/\//],
  ])('%s are refused', (_, read, message) => {
    expect(read).toThrow(UsageError);
    expect(read).toThrow(message);
  });
});
