import { expect, test } from 'vitest';
import { openStore } from '../../src/local/store/database.ts';
import { createGroupCommit } from '../../src/local/store/group-commit.ts';
import { TestClock } from '../support/platform.ts';

const migrations = [{ name: '001', sql: 'CREATE TABLE notes (text TEXT PRIMARY KEY)' }];

function start() {
  const store = openStore(':memory:', migrations, new TestClock());
  let commits = 0;
  store.onCommit(() => void commits++);
  const commit = createGroupCommit(store);
  return {
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

test('when one cannot be written, all of its commit are rejected and nothing stays; the next ones are well', async () => {
  const { write, texts } = start();
  const results = await Promise.allSettled(['a', 'b', 'a'].map(write));
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(texts()).toEqual([]);
  expect(await write('a')).toBe(1);
  expect(texts()).toEqual(['a']);
});
