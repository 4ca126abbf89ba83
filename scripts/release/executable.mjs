// One source, one file that runs without Node: the program and Bun's runtime. Guarantees: the runtime reads nothing of the
// folder it is started in and takes no orders from variables that are meant for Bun's own command line.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { constants, root } from '../build-constants.mjs';
import { helpTexts } from '../help-texts.mjs';
import { helperEntry, leaveRestOfHelper } from '../helper-module.mjs';
import { signMachO } from './mach-o.mjs';
import { fileOfPackage, keptFileOfPackage } from './packages.mjs';
import { hostTarget } from './targets.mjs';

const compiler = fileURLToPath(new URL('compile.mjs', import.meta.url));

/**
 * Variables that a compiled Bun obeys before any of our code runs: BUN_BE_BUN makes it the `bun` command, BUN_OPTIONS and
 * BUN_INSPECT_PRELOAD run scripts, BUN_INSPECT opens a debugger. No switch turns them off, so their names are spoiled in
 * the runtime: no variable's name holds a `=`.
 */
const spoiled = ['BUN_BE_BUN', 'BUN_OPTIONS', 'BUN_INSPECT'];

/**
 * Builds `target` into `folder` and returns what went in: `{ path, modules }`, modules being paths below the project.
 * `work` is a scratch folder, one for all targets; the runtimes are unpacked there. `prepared` is what `prepare` resolves to.
 */
export async function buildExecutable(target, { folder, work, build, release, prepared }) {
  const bun = join(work, 'bun');
  mkdirSync(bun, { recursive: true });
  const host = hostTarget();
  const compilerPath = await unpacked(join(bun, `compiler-${host.name}`), host.runtime);
  const runtime = join(bun, target.name);
  writeFileSync(runtime, withoutOrders(await fileOfPackage(target.runtime), target), { mode: 0o755 });
  const addon = await keptFileOfPackage(target.addon);

  // Bun writes the name of the file it makes into it, so all are made by one name.
  const scratch = mkdtempSync(join(work, 'compile-'));
  const made = join(scratch, target.file.endsWith('.exe') ? 'chainctl.exe' : 'chainctl');
  const order = {
    root,
    entry: 'src/cli/main.ts',
    outfile: made,
    target: target.bunTarget,
    runtime,
    addon,
    ...prepared,
    define: constants(build, { target: target.name, ...release }),
  };
  const orderFile = join(scratch, 'order.json');
  writeFileSync(orderFile, JSON.stringify(order));
  const answer = execFileSync(compilerPath, [compiler, orderFile], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: scratch, TMPDIR: scratch, BUN_NO_CODESIGN_MACHO_BINARY: '1' },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (target.name.startsWith('darwin')) signMachO(made, 'chainctl');
  chmodSync(made, 0o755);
  const path = join(folder, target.file);
  renameSync(made, path);
  rmSync(scratch, { recursive: true, force: true });
  rmSync(runtime);
  return { path, modules: JSON.parse(answer).modules };
}

/** Resolves to what is the same for every target: `{ help, helper }`, the pages of help and the quick helper's module. */
export async function prepare() {
  return { help: (await helpTexts()).texts, helper: await quickHelper() };
}

async function quickHelper() {
  const bundle = await rolldown({
    cwd: root,
    input: helperEntry,
    platform: 'node',
    external: (id) => id.startsWith('node:'),
    plugins: [leaveRestOfHelper()],
  });
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false });
  await bundle.close();
  return output[0].code;
}

async function unpacked(path, file) {
  writeFileSync(path, await fileOfPackage(file), { mode: 0o755 });
  return path;
}

/** Throws when a name is not in there: then this Bun reads it in another way, and the release has to look again. */
function withoutOrders(bytes, target) {
  for (const name of spoiled) {
    let found = 0;
    for (let at = bytes.indexOf(name); at >= 0; at = bytes.indexOf(name, at + 1)) {
      bytes[at] = '='.charCodeAt(0);
      found += 1;
    }
    if (found === 0) throw new Error(`release: ${name} is not in ${target.runtime.package}; does it still obey it?`);
  }
  return bytes;
}
