#!/usr/bin/env bash
# Bun 1.4.5: a net.Socket over a file descriptor with `onread` delivers nothing from a pipe. Node 20 and later deliver the
# bytes, as the documentation of net.Socket says of `onread`. A program that reads standard input this way waits for ever.
# What we do: read standard input with fs.read in the executable (src/cli/standard-input.ts).
# Needs: Node, npm, linux x64 or arm64 with glibc.
set -euo pipefail
case "$(uname -m)" in x86_64) arch=x64 ;; aarch64) arch=aarch64 ;; *) echo "not for $(uname -m)"; exit 2 ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund "@oven/bun-linux-$arch@1.4.5"
bun="node_modules/@oven/bun-linux-$arch/bin/bun"
cat >read.cjs <<'JS'
const { Socket } = require('node:net');
let bytes = 0;
const socket = new Socket({ fd: 0, onread: { buffer: Buffer.alloc(64), callback: (count) => ((bytes += count), true) } });
const done = () => { console.log(`${bytes} bytes`); process.exit(0); };
socket.on('end', done);
socket.resume();
setTimeout(done, 2000);
JS
echo "node $(node --version), bun $("$bun" --version)"
node=$(printf 'y\n' | node read.cjs)
other=$(printf 'y\n' | "$bun" read.cjs)
echo "node: $node; bun: $other"
[ "$node" = "2 bytes" ] && [ "$other" = "0 bytes" ] || { echo "this has changed"; exit 1; }
