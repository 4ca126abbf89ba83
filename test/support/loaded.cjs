// Preloaded into a program under test: at exit writes which files and built-ins it loaded to the file LOADED_REPORT names.
const { writeFileSync } = require('node:fs');

process.on('exit', () => {
  const builtins = process.moduleLoadList
    .filter((line) => line.startsWith('NativeModule '))
    .map((line) => line.slice('NativeModule '.length));
  writeFileSync(process.env.LOADED_REPORT, JSON.stringify({ files: Object.keys(require.cache), builtins }));
});
