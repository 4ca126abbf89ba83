import { expect, test } from 'vitest';
import { openStore } from '../../src/local/store/database.ts';
import { TestClock } from '../support/platform.ts';

const migrations = [{ name: '001', sql: 'CREATE TABLE notes (text TEXT PRIMARY KEY)' }];

function start() {
  const store = openStore(':memory:', migrations, new TestClock());
  let commits = 0;
  store.onCommit(() => void commits++);
  const { commit } = store;
  return {
    commit,
    write: (text: string) =>
      commit((tx) => {
        tx.run('INSERT INTO notes VALUES (?)', text);
        return text.length;
      }),
    texts: () => store.read((tx) => tx.all('SELECT text FROM notes ORDER BY rowid')).map((row) => row['text']),
    commits: () => commits,
  };
}

test('writes of one moment share a commit, in their order, and each gets its own result', async () => {
  const { write, texts, commits } = start();
  expect(await Promise.all(['a', 'bb', 'ccc'].map(write))).toEqual([1, 2, 3]);
  expect(texts()).toEqual(['a', 'bb', 'ccc']);
  expect(commits()).toBe(1);
  expect(await write('later')).toBe(5);
  expect(commits()).toBe(2);
});

test('a write that fails is rejected alone and leaves nothing; those beside it stay', async () => {
  const { commit, write, texts, commits } = start();
  const half = commit((tx) => {
    tx.run('INSERT INTO notes VALUES (?)', 'half');
    throw new RangeError('no');
  });
  const results = await Promise.allSettled([write('a'), write('b'), write('a'), half, write('c')]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected', 'fulfilled']);
  expect(texts()).toEqual(['a', 'b', 'c']);
  expect(commits()).toBe(1);
});

test('what a write leaves for its end is undone with it', async () => {
  const { commit, texts } = start();
  const failing = commit((tx) => {
    tx.atEnd(() => tx.run('INSERT INTO notes VALUES (?)', 'end'));
    tx.atEnd(() => {
      throw new RangeError('no');
    });
  });
  const good = commit((tx) => tx.atEnd(() => tx.run('INSERT INTO notes VALUES (?)', 'good end')));
  await expect(failing).rejects.toThrow(RangeError);
  await good;
  expect(texts()).toEqual(['good end']);
});

test('when the commit itself fails, all of its writes are rejected and none stays; the next one is well', async () => {
  const { commit, write, texts } = start();
  const lost = commit((tx) => void tx.run('ROLLBACK'));
  const results = await Promise.allSettled([write('a'), lost, write('b')]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(texts()).toEqual([]);
  expect(await write('a')).toBe(1);
  expect(texts()).toEqual(['a']);
});

test('a group is done once, unless a write of it fails that has written: then each is done again, in order', async () => {
  const { commit, texts } = start();
  const done: string[] = [];
  const write = (text: string, fails: 'never' | 'first' | 'last') =>
    commit((tx) => {
      done.push(text);
      if (fails === 'first') throw new RangeError(text);
      tx.run('INSERT INTO notes VALUES (?)', text);
      if (fails === 'last') throw new RangeError(text);
      return done.length;
    });
  const results = await Promise.allSettled([write('a', 'never'), write('b', 'first'), write('c', 'never')]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect([done.splice(0), texts()]).toEqual([
    ['a', 'b', 'c'],
    ['a', 'c'],
  ]);
  const again = await Promise.allSettled([write('d', 'never'), write('e', 'last'), write('f', 'never')]);
  expect(again).toMatchObject([{ value: 3 }, { reason: new RangeError('e') }, { value: 5 }]);
  expect([done, texts()]).toEqual([
    ['d', 'e', 'd', 'e', 'f'],
    ['a', 'c', 'd', 'f'],
  ]);
});

test('a write that only reads in a transaction that is gone loses no other', async () => {
  const { commit, write, texts } = start();
  const lost = commit((tx) => {
    tx.get('SELECT 1');
    // As SQLite does by itself when it cannot read its file.
    tx.run('ROLLBACK');
    throw new RangeError('no');
  });
  const results = await Promise.allSettled([write('a'), lost, write('b')]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(texts()).toEqual([]);
});
