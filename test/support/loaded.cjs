// Preloaded into a program under test: at exit writes which files and built-ins it loaded to the file LOADED_REPORT names.
const { writeFileSync } = require('node:fs');
const vm = require('node:vm');

// Chunks are run as scripts (src/node/entry.ts).
const files = [];
const { Script } = vm;
vm.Script = function notedScript(source, options) {
  files.push(options.filename);
  return new Script(source, options);
};

process.on('exit', () => {
  const builtins = process.moduleLoadList
    .filter((line) => line.startsWith('NativeModule '))
    .map((line) => line.slice('NativeModule '.length));
  writeFileSync(
    process.env.LOADED_REPORT,
    JSON.stringify({ files: [...Object.keys(require.cache), ...files], builtins }),
  );
});
