#!/usr/bin/env bash
# Bun 1.4.5: a net.Socket over a file descriptor with `onread` delivers nothing from a pipe. Node 20 and later deliver the
# bytes, as the documentation of net.Socket says of `onread`. A program that reads standard input this way waits for ever.
# What we do: read standard input with fs.read in the executable (src/cli/standard-input.ts).
# Needs: Node, npm, linux x64 or arm64 with glibc.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
case "$(uname -m)" in x86_64) arch=x64 ;; aarch64) arch=aarch64 ;; *) cannot "there is no such Bun for $(uname -m)" ;; esac
from_npm "@oven/bun-linux-$arch@1.4.5"
cat >read.cjs <<'JS'
const { Socket } = require('node:net');
let bytes = 0;
const socket = new Socket({ fd: 0, onread: { buffer: Buffer.alloc(64), callback: (count) => ((bytes += count), true) } });
const done = () => { console.log(`${bytes} bytes`); process.exit(0); };
socket.on('end', done);
socket.resume();
setTimeout(done, 2000);
JS
expect "node $(node --version)" '2 bytes' "$(printf 'y\n' | node read.cjs)"
expect 'bun 1.4.5' '0 bytes' "$(printf 'y\n' | "node_modules/@oven/bun-linux-$arch/bin/bun" read.cjs)"
