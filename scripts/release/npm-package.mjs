// The package for npm: the Node build, with the version of the release.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../build-constants.mjs';

/** Writes `chainctl-<version>.tgz` into `folder`. Returns `{ program }`, the built program's path below `work`. */
export function packForNpm({ folder, work, build }) {
  const scratch = join(work, 'npm');
  mkdirSync(scratch);
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { devDependencies: _, scripts: __, ...kept } = manifest;
  writeFileSync(join(scratch, 'package.json'), `${JSON.stringify({ ...kept, version: build.version }, null, 2)}\n`);
  for (const name of manifest.files) {
    if (name !== 'dist') cpSync(join(root, name), join(scratch, name), { recursive: true });
  }
  cpSync(join(root, 'LICENSE'), join(scratch, 'LICENSE'));
  execFileSync(
    process.execPath,
    [join(root, 'scripts', 'build.mjs'), '--out', join(scratch, 'dist'), '--version', build.version],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  // What is recorded runs a platform, which below Node 24 needs the optional package with SQLite.
  const packages = join(scratch, 'node_modules');
  symlinkSync(join(root, 'node_modules'), packages, 'junction');
  execFileSync(process.execPath, [join(root, 'scripts', 'code-cache.mjs'), `--dist=${join(scratch, 'dist')}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  rmSync(packages);
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], {
    cwd: scratch,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  return { program: join(scratch, 'bin', 'chainctl.js') };
}
