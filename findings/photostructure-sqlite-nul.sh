#!/usr/bin/env bash
# @photostructure/sqlite 1.2.1 and 2.6.0, "drop-in replacement for node:sqlite" for Node 20: a text that is bound ends at its first
# U+0000. node:sqlite (Node 24) stores the whole, and SQLite's documentation of sqlite3_bind_text64 allows it ("NUL characters
# embedded in SQL strings"). So what Node 24 has written is not found by Node 20, two keys that differ behind the U+0000 are one, and
# the rest of a value is lost without an error. With 1.2.1 a whole number is bound as INTEGER besides and by node:sqlite as REAL:
# 1 in a TEXT column is '1' there and '1.0' here, and json_object('n', ?) has 1 and 1.0. 2.6.0 does that as Node does.
# What we do: refuse U+0000 in the texts of requests and in who a token is about (src/json.ts; test/platform/api.test.ts, "a text
# that SQLite would end early", and scim.test.ts); our tables are STRICT, so that a whole number is the same in both.
# Needs: Node, npm.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
from_npm node@24.21.0
node24=$PWD/node_modules/node/bin/node
[ -x "$node24" ] || cannot 'there is no Node 24 for this system'
cat >ask.mjs <<'JS'
const { DatabaseSync } = await import(process.argv[2]);
const store = new DatabaseSync(':memory:');
store.exec('CREATE TABLE notes (name TEXT)');
store.prepare('INSERT INTO notes VALUES (?), (?)').run('a\0b', 1);
console.log(store.prepare('SELECT hex(name) AS name FROM notes').all().map(({ name }) => name).join());
JS
for version in 1.2.1 2.6.0; do
  from_npm "@photostructure/sqlite@$version"
  seen=$(node ask.mjs @photostructure/sqlite)
  case $version in 1.2.1) one=31 ;; *) one=312E30 ;; esac
  expect "@photostructure/sqlite $version" "61,$one" "$seen"
done
expect 'node:sqlite of Node 24.21.0' 610062,312E30 "$("$node24" --no-warnings ask.mjs node:sqlite)"
