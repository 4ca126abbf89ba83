#!/usr/bin/env bash
# JMESPath, `<` and `>` between two texts, such as `items[?created > '2026-01-01']`: jmespath.py 1.1.0, which answers
# `aws --query` and `az --query`, orders the texts, and so does the npm package jmespath 0.16.0. The specification gives null,
# and @jmespath-community/jmespath 1.3.0 follows it: a filter that works with `aws` finds nothing there, without an error.
# What we do: `--query` orders texts, as the command lines that its users come from (src/cli/output/query.ts).
# Needs: Node, npm, Python 3 with pip.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
from_npm @jmespath-community/jmespath@1.3.0 jmespath@0.16.0
from_pypi jmespath==1.1.0
export DATA='{"items":[{"name":"old","created":"2025-03-01"},{"name":"new","created":"2026-03-01"}]}'
export QUERY="items[?created > '2026-01-01'].name"
cat >ask.cjs <<'JS'
console.log(JSON.stringify(require(process.argv[2]).search(JSON.parse(process.env.DATA), process.env.QUERY)));
JS
python=$(python3 -c 'import json, os, jmespath; print(json.dumps(jmespath.search(os.environ["QUERY"], json.loads(os.environ["DATA"]))))')
expect 'jmespath.py 1.1.0' '["new"]' "$python"
expect 'jmespath 0.16.0' '["new"]' "$(node ask.cjs jmespath)"
expect '@jmespath-community/jmespath 1.3.0' '[]' "$(node ask.cjs @jmespath-community/jmespath)"
