// Grants under a ceiling: whichever side files a capability higher up, what both hold stays and nothing else does.

import { describe, expect, test } from 'vitest';
import { ancestry } from '../../src/api/uidp.ts';
import { type Grants, underCeiling } from '../../src/local/issuer/narrowing.ts';
import { forSeeds } from '../support/random.ts';

const organization = 'a'.repeat(40);
const folder = `${organization}/${'1'.repeat(16)}`;
const inner = `${folder}/${'2'.repeat(16)}`;
const beside = `${organization}/${'3'.repeat(16)}`;
const stranger = 'b'.repeat(40);
const places = [organization, folder, inner, beside, stranger];

const grants = (entries: Readonly<Record<string, readonly string[]>>): Grants =>
  new Map(Object.entries(entries).map(([place, names]) => [place, new Set(names)]));
const heldAt = (all: Grants, place: string) => new Set(ancestry(place).flatMap((one) => [...(all.get(one) ?? [])]));

describe.each([
  ['a token for a folder keeps what is held at the organization', { [organization]: ['x', 'y'] }, { [folder]: ['x'] }],
  ['a token for an inner folder too', { [organization]: ['x'], [folder]: ['y'] }, { [inner]: ['x', 'y'] }],
  ['a token for the organization keeps what is held in a folder', { [folder]: ['x'] }, { [organization]: ['x', 'y'] }],
  ['a token for one folder has nothing of another', { [beside]: ['x'] }, { [folder]: ['x'] }],
  ['nor of another organization', { [stranger]: ['x'] }, { [organization]: ['x'] }],
  ['what is no longer held is gone', { [organization]: ['y'] }, { [folder]: ['x'] }],
  ['nothing stays nothing', {}, { [organization]: ['x'] }],
])('%s', (_, granted, ceiling) => {
  test.each(places)('at %s', (place) => {
    const [live, limit] = [grants(granted), grants(ceiling)];
    const both = [...heldAt(live, place)].filter((one) => heldAt(limit, place).has(one));
    expect([...heldAt(underCeiling(live, limit), place)].sort()).toEqual(both.sort());
  });
});

test('of any grants and any ceiling exactly what both hold at a place is left there', () =>
  forSeeds(200, (random) => {
    const some = () =>
      grants(Object.fromEntries(random.some(places, 0.5).map((place) => [place, random.some(['x', 'y', 'z'], 0.5)])));
    const [live, limit] = [some(), some()];
    const left = underCeiling(live, limit);
    for (const place of places) {
      const both = [...heldAt(live, place)].filter((one) => heldAt(limit, place).has(one));
      expect([...heldAt(left, place)].sort(), place).toEqual(both.sort());
    }
    // Renewed again under what it has become, nothing changes.
    expect(underCeiling(live, left)).toEqual(left);
  }));

test('no place is listed where nothing is left', () => {
  const live = grants({ [organization]: ['x'], [beside]: ['y'] });
  expect([...underCeiling(live, grants({ [folder]: ['x'], [stranger]: ['y'] })).keys()]).toEqual([folder]);
});
