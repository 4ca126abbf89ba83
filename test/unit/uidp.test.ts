import { describe, expect, it } from 'vitest';
import {
  ancestry,
  isAncestor,
  isAncestorOrSelf,
  isRoot,
  isUidp,
  lastSegment,
  newChildId,
  parentOf,
  reparent,
  rootOf,
} from '../../src/api/uidp.ts';

const root = '0123456789abcdef0123456789abcdef01234567';
const folder = `${root}/b74ce966caf448d1`;
const leaf = `${folder}/dda9aab2d2d90f9e`;

describe('ids (semantics 1)', () => {
  it.each([
    [root, true],
    [folder, true],
    [leaf, true],
    ['', false],
    ['/', false],
    [`/${root}`, false],
    [`${root}/`, false],
    [root.toUpperCase(), false],
    [root.slice(1), false],
    [`${root}/b74ce966caf448d`, false],
    [`${root}//b74ce966caf448d1`, false],
    [`${root}/b74ce966caf448d1\n`, false],
  ])('%j is an id: %j', (text, valid) => {
    expect(isUidp(text)).toBe(valid);
  });

  it('names the parent, which of a root is a slash', () => {
    expect(parentOf(leaf)).toBe(folder);
    expect(parentOf(folder)).toBe(root);
    expect(parentOf(root)).toBe('/');
  });

  it('lists ancestors from the thing itself upwards', () => {
    expect(ancestry('a/b/c/d')).toEqual(['a/b/c/d', 'a/b/c', 'a/b', 'a']);
    expect(ancestry(root)).toEqual([root]);
  });

  it('compares whole segments and never takes a thing for its own ancestor', () => {
    expect(isAncestor(root, leaf)).toBe(true);
    expect(isAncestor(leaf, leaf)).toBe(false);
    expect(isAncestor(leaf, folder)).toBe(false);
    expect(isAncestor(folder.slice(0, -1), leaf)).toBe(false);
    expect(isAncestorOrSelf(leaf, leaf)).toBe(true);
    expect(isAncestorOrSelf(root, leaf)).toBe(true);
    expect(isAncestorOrSelf(`${root}0`, leaf)).toBe(false);
  });

  it('knows roots', () => {
    expect(isRoot(root)).toBe(true);
    expect(isRoot(folder)).toBe(false);
    expect(rootOf(leaf)).toBe(root);
    expect(rootOf(root)).toBe(root);
    expect(rootOf('')).toBe('');
    expect(lastSegment(leaf)).toBe('dda9aab2d2d90f9e');
  });

  it('moves everything but roots', () => {
    expect(reparent(leaf, root)).toBe(`${root}/dda9aab2d2d90f9e`);
    expect(() => reparent(root, folder)).toThrow(RangeError);
  });

  it('makes roots of 20 bytes and children of 8', () => {
    const counts: number[] = [];
    const bytes = (count: number) => {
      counts.push(count);
      return Uint8Array.from({ length: count }, (_, index) => index);
    };
    expect(newChildId('', bytes)).toBe('000102030405060708090a0b0c0d0e0f10111213');
    expect(newChildId(folder, bytes)).toBe(`${folder}/0001020304050607`);
    expect(counts).toEqual([20, 8]);
  });
});
