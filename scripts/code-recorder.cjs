// Preloaded into a program of dist/ by scripts/code-cache.mjs: keeps what V8 has compiled of each chunk by the end, with the
// functions that ran, in the folder that CHAINCTL_CODE names.

const { existsSync, statSync, writeFileSync } = require('node:fs');
const { basename, join } = require('node:path');
const vm = require('node:vm');

const scripts = new Map();
const { Script } = vm;

vm.Script = function recordingScript(source, options) {
  const script = new Script(source, { ...options, cachedData: undefined });
  scripts.set(options.filename, script);
  return script;
};

process.on('exit', () => {
  for (const [file, script] of scripts) {
    const code = script.createCachedData();
    const to = join(process.env.CHAINCTL_CODE, basename(file));
    // Of the runs that use a chunk, the one that used most of it.
    if (!existsSync(to) || statSync(to).size < code.length) writeFileSync(to, code);
  }
});
