// Loaded into a program under test with `node --require`: it dies by SIGKILL just before the KILL_AT-th call that changes
// something on the disk. Counting up until it lives to its end shows every state that a kill can leave.

const fs = require('node:fs');

const changing = ['write', 'writeFile', 'fsync', 'fchmod', 'chmod', 'chown', 'fchown', 'rename', 'unlink', 'link'];
const names = [...changing, 'rm', 'rmdir', 'mkdir', 'symlink', 'utimes', 'truncate', 'ftruncate', 'close'];
const killAt = Number(process.env.KILL_AT);
let calls = 0;

const counted = (name) => {
  const real = fs[name];
  fs[name] = function (...args) {
    calls += 1;
    if (calls === killAt) {
      process.kill(process.pid, 'SIGKILL');
      // The signal is on its way; nothing more may happen meanwhile.
      for (;;);
    }
    return real.apply(this, args);
  };
};
for (const name of names) counted(`${name}Sync`);

const open = fs.openSync;
fs.openSync = function (path, flags, ...args) {
  if (flags !== undefined && flags !== 'r') {
    calls += 1;
    if (calls === killAt) {
      process.kill(process.pid, 'SIGKILL');
      for (;;);
    }
  }
  return open.call(this, path, flags, ...args);
};
