#!/usr/bin/env node

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`error: docker-credential-cgr needs Node.js 20.19 or newer, this is ${process.version}\n`);
  process.exit(1);
}
try {
  require('../dist/credential-helper.cjs').runHelper();
} catch (error) {
  if (error.code !== 'MODULE_NOT_FOUND' || !error.message.includes('../dist/credential-helper.cjs')) throw error;
  process.stderr.write('error: docker-credential-cgr is not built; run `npm run build` in its folder\n');
  process.exitCode = 1;
}
