#!/usr/bin/env bash
# scim-patch 0.8.3 (npm) takes names of attributes as they are spelled and knows nothing of "primary". RFC 7643, 2.1: attribute names
# are case insensitive; a PATCH of "username" leaves the old userName where it is and puts a second attribute beside it. RFC 7644,
# 3.5.2: when a value's "primary" is set to true, it SHALL become false at the others; here two values are the primary one
# afterwards. A server that is built on it answers 200 to both, and the connector believes that the person was renamed.
# What we do: our own, by the schema (src/local/scim/patch.ts; test/platform/scim.test.ts).
# Needs: Node, npm.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
from_npm scim-patch@0.8.3
cat >patch.cjs <<'JS'
const { scimPatch } = require('scim-patch');
const person = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'ann', emails: [{ value: 'a@x.example', primary: true }] };
const patch = (operation) => scimPatch(structuredClone(person), [operation]);
const { userName, username } = patch({ op: 'replace', path: 'username', value: 'eve' });
const { emails } = patch({ op: 'add', path: 'emails', value: [{ value: 'b@x.example', primary: true }] });
console.log(`${userName} ${username}; ${emails.map(({ primary }) => primary)}`);
JS
expect 'userName, username and who is primary' 'ann eve; true,true' "$(node patch.cjs)"
