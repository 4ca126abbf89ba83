import { expect, test } from 'vitest';
import { suggestRoles } from '../../src/access/suggestion.ts';

const organization = 'a'.repeat(40);
const folder = `${organization}/${'b'.repeat(16)}`;
const role = (name: string, ...capabilities: string[]) => ({
  id: Buffer.from(name.padEnd(20, '.')).toString('hex'),
  name,
  capabilities,
});
const builtIn = [
  role('large', 'x.list', 'x.create', 'y.list'),
  role('small', 'x.list', 'x.create'),
  role('tiny', 'x.list'),
];
const use = (place: string, isAnywhere: boolean, ...capabilities: string[]) => ({ place, isAnywhere, capabilities });
const told = (...args: Parameters<typeof suggestRoles>) =>
  suggestRoles(...args).map(({ place, role: found, capabilities }) => [place, found?.name, capabilities.join()]);

test('the smallest built-in role that has all, and a custom one where none has', () => {
  expect(told([use(folder, false, 'x.create'), use(folder, false, 'x.list')], builtIn, 'narrow')).toEqual([
    [folder, 'small', 'x.create,x.list'],
  ]);
  expect(told([use(folder, false, 'z.create', 'x.list')], builtIn, 'narrow')).toEqual([
    [folder, undefined, 'x.list,z.create'],
  ]);
  const custom = { ...role('own', 'z.create'), id: `${organization}/${'c'.repeat(16)}` };
  expect(told([use(folder, false, 'z.create')], [...builtIn, custom], 'narrow')).toEqual([
    [folder, undefined, 'z.create'],
  ]);
});

test('what is given above is not given again', () => {
  const uses = [use(folder, false, 'x.create', 'x.list'), use(organization, false, 'x.list')];
  expect(told(uses, builtIn, 'narrow')).toEqual([
    [organization, 'tiny', 'x.list'],
    [folder, 'small', 'x.create'],
  ]);
});

test('a list of anything is allowed where something is done, at its own place when that does not do, or alone', () => {
  const uses = [use(organization, true, 'x.list'), use(folder, false, 'x.create')];
  expect(told(uses, builtIn, 'narrow')).toEqual([[folder, 'small', 'x.create,x.list']]);
  expect(told(uses, builtIn, 'wide')).toEqual([
    [organization, 'tiny', 'x.list'],
    [folder, 'small', 'x.create'],
  ]);
  expect(told([use(organization, true, 'x.list')], builtIn, 'narrow')).toEqual([[organization, 'tiny', 'x.list']]);
});
