// Preloaded into a program of dist/ by scripts/code-cache.mjs: keeps what V8 has compiled of each chunk by the end, with the
// functions that ran, in the folder that CHAINCTL_CODE names, and the list of the chunks in the file CHAINCTL_USED.

const { existsSync, mkdirSync, statSync, writeFileSync } = require('node:fs');
const { dirname, join, relative } = require('node:path');
const vm = require('node:vm');

const scripts = new Map();
const { Script } = vm;

vm.Script = function recordingScript(source, options) {
  const script = new Script(source, { ...options, cachedData: undefined });
  scripts.set(relative(process.env.CHAINCTL_DIST, options.filename), { script, source });
  return script;
};

process.on('exit', () => {
  for (const [name, { script, source }] of scripts) {
    const code = script.createCachedData();
    const to = join(process.env.CHAINCTL_CODE, name);
    mkdirSync(dirname(to), { recursive: true });
    // Of the runs that use a chunk, the one that used most of it.
    if (existsSync(to) && statSync(to).size >= code.length) continue;
    writeFileSync(to, code);
    writeFileSync(`${to}.source`, source, 'latin1');
  }
  if (process.env.CHAINCTL_USED) writeFileSync(process.env.CHAINCTL_USED, JSON.stringify([...scripts.keys()]));
});
