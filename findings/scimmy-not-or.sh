#!/usr/bin/env bash
# SCIMMY 1.3.5 (npm, below scimmy-routers): `not (A or B)` finds everything that is not both, as if it were `not A or not B`.
# RFC 7644, 3.4.2.2: "not" is what the whole expression in its parentheses is not, so only what is neither A nor B. A connector that
# asks for everybody but two people gets those two as well, and takes them for people whom it has to remove.
# scim2-parse-filter 0.2.10 finds the right one.
# What we do: our own filter, which keeps the tree as it was written (src/local/scim; test/platform/scim.test.ts, "filter by").
# Needs: Node, npm.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
from_npm scimmy@1.3.5 scim2-parse-filter@0.2.10
cat >ask.mjs <<'JS'
import SCIMMY from 'scimmy';
import { filter, parse } from 'scim2-parse-filter';
const people = ['ann', 'bob', 'cid'].map((userName) => ({ userName }));
const text = 'not (userName eq "ann" or userName eq "bob")';
const names = (found) => found.map(({ userName }) => userName).join();
console.log(names(new SCIMMY.Types.Filter(text).match(people)), names(people.filter(filter(parse(text)))));
JS
read -r scimmy other < <(node ask.mjs)
expect 'scim2-parse-filter 0.2.10' cid "$other"
expect 'SCIMMY 1.3.5' ann,bob,cid "$scimmy"
