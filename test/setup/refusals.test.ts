import { describe, expect, test } from 'vitest';
import { checkPlatform } from '../../src/setup/platform.mjs';
import { refusal, supportedPythons } from '../../src/setup/python.mjs';

describe('platforms', () => {
  test('this one is supported', () => {
    expect(() => checkPlatform()).not.toThrow();
  });

  test.each([
    {
      platform: 'darwin',
      arch: 'arm64',
      node: '20.11.0',
      says: /^macOS is not supported: .* Next: use the Dockerfile/,
    },
    { platform: 'win32', arch: 'x64', node: '22.0.0', says: /^Windows is not supported/ },
    { platform: 'linux', arch: 'arm64', node: '20.11.0', says: /^arm64 processors are not supported/ },
    { platform: 'linux', arch: 'x64', node: '18.20.0', says: /^Node 18\.20\.0 is too old/ },
    { platform: 'linux', arch: 'x64', node: '20.10.0', says: /^Node 20\.10\.0 is too old: Node 20\.11 or newer/ },
  ])('$platform $arch, Node $node', ({ platform, arch, node, says }) => {
    expect(() => checkPlatform(platform, arch, node)).toThrow(says);
  });
});

describe('Pythons', () => {
  const python = { version: '3.11.7', implementation: 'CPython', bits: 64 };

  test('3.11 is preferred; 3.9 to 3.12 are accepted', () => {
    expect(supportedPythons[0]).toBe('3.11');
    for (const minor of ['3.9', '3.10', '3.11', '3.12'])
      expect(refusal({ ...python, version: `${minor}.1` })).toBeUndefined();
  });

  test.each([
    { facts: { ...python, version: '3.8.18' }, says: 'TensorFlow 2.16.1 has no wheel for Python 3.8' },
    { facts: { ...python, version: '3.13.0' }, says: 'TensorFlow 2.16.1 has no wheel for Python 3.13' },
    { facts: { ...python, implementation: 'PyPy' }, says: 'it is PyPy, and the wheels are for CPython' },
    { facts: { ...python, bits: 32 }, says: 'it is a 32-bit build, and TensorFlow is 64-bit only' },
  ])('$says', ({ facts, says }) => {
    expect(refusal(facts)).toBe(says);
  });
});
