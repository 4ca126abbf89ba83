// What is built, and from which packages of the npm registry: each pinned by version and integrity, so that a build of one
// commit takes the same bytes on every machine.

/** Bun carries its own compiler: any of these packages can build for all the others. */
export const bunVersion = '1.4.5';
const keyringVersion = '2.1.2';

/**
 * x64 takes the runtime for processors without AVX2: under Rosetta, in emulators and on old servers the other one ends
 * with an illegal instruction, and at start-up both cost the same.
 */
export const targets = [
  target('linux_x86_64', {
    bun: 'linux-x64-baseline',
    runtime: 's8yMwYcFnnrA178gji0gZbkE2WVDej/Ti1x770oPfihxyRxSMNhGhiAQNXV53aDeraZxksdvKV/RAdQBCd0qPA==',
    keyring: 'linux-x64-gnu',
    addon: 'Fj5TmTnl2oriuCT5DDEYlhgxYes20uGfgOg10LK9PyPVsI8/PQ1m8I4rq/4A5hkrMtY7wvFb70YmX/yPHDYWvQ==',
    uname: 'Linux_x86_64',
  }),
  target('linux_arm64', {
    bun: 'linux-aarch64',
    runtime: '4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==',
    keyring: 'linux-arm64-gnu',
    addon: 'PM+SAcl/yGzgGbeeCsKrnlG4T5DBIDjmDqtKm5an1bJz0o0gwSzR3BMiXf04JenkcqascZpdcIReoEvLj0cvCw==',
    uname: 'Linux_aarch64',
  }),
  target('linux_x86_64_musl', {
    bun: 'linux-x64-musl-baseline',
    runtime: 'cWJhU8h0+MiUgpSt99sQhjxLIIosKEcKYdtKddohokUvAuN6jKOy7g7+QDTZTXtwHxz93wL3BX+L6wXVPDUH3A==',
    keyring: 'linux-x64-musl',
    addon: 'C+KhAeU6x2A43FV3dOmMvUraJb8zsC9VZfsunjZ1cgtuAb208TALaUuAY0jThOphXqhyhBJOs2xTCQhOrRkJIw==',
  }),
  target('linux_arm64_musl', {
    bun: 'linux-aarch64-musl',
    runtime: 'XCNc+WvvMAdNNb+OWTogpy+N9wm62fkVeEVLb6how0RZhW5LPi6c7BlkeVCuWps7XjEl2saFpHFa20/1E+PAHg==',
    keyring: 'linux-arm64-musl',
    addon: '+ERS9oyInPCALN957cViBDbYJc724/Q+rZ8ZAz4rOHj4B4v0VR4OAWThdYZgZqD54sZVV0MdyX24qva97hYoAQ==',
  }),
  target('darwin_arm64', {
    bun: 'darwin-aarch64',
    runtime: '4MIFXHmctH2EhAxLXm2/qxNtv17dFtLJylvaOCsrgq6KSqHTs6eW5YSrJjRbJxYUJaR901fsN8JfZOa+CsWpWQ==',
    keyring: 'darwin-arm64',
    addon: 'vsInUWUzWS6/WzR/TFNwmdtmwKWjnnR8TOpvZ/pjjxDAkJB/waz37PWzp2b8AFcw1aCcq2aQ7k2vvbLQy8pTrw==',
    uname: 'Darwin_arm64',
  }),
  target('darwin_x86_64', {
    bun: 'darwin-x64-baseline',
    runtime: 'zqfLA5A4B+hYMh5WYzYSot3uZ06FzhdP0OEwQisEzdirYtXGj5cQFlfy31BGfNsAsk1Gd/w/OxJ/jqqJ3cMclw==',
    keyring: 'darwin-x64',
    addon: 'wQihYroaQ3r++R6u5c9Gj0TCw1l1F53LCb5aLOXfVvT4DsnDnpe7p7VGYo4/33bLe0iqVevtAj+ET3yKCtOlJQ==',
    uname: 'Darwin_x86_64',
  }),
  target('windows_x86_64', {
    bun: 'windows-x64-baseline',
    runtime: '/U3Dc74uGqE6EUqef7mPtg9KwJs7iJH4JHRMfIZIn18MrJh6Xz4gVvWDXRvzCL2j8wPlTnJVyrO4n7Qq4uM7TQ==',
    keyring: 'win32-x64-msvc',
    addon: 'yQtFdfuwqM0ezKlYO6r2n44in2LGzd4MC679Ddhvojip3t1hn+q/4I+gJU+cIJQVd5FAZSKNrK4tGfew3UTpAQ==',
  }),
  target('windows_arm64', {
    bun: 'windows-aarch64',
    runtime: 'MiPFZnBNDnBXgr1oONc5pizC4fOLjnIOfNkYdFEnWzLmoFTg86naZIG3SvS7d/GglpQSAnCKMAzSjI/TAckiRw==',
    keyring: 'win32-arm64-msvc',
    addon: 'kBq80ZZfjXoa5wHG9kgAVhYYjaPOLgHh5ngt7r1ftwFXPXDPXKH7oM2r2j2Q64cs0pVtmodVtn5Q9e6xCwzQUQ==',
  }),
];

/** `name` is what stands between `chainctl_` and the ending; `uname` is the file's other name, as guides of 2022 build it. */
function target(name, { bun, runtime, keyring, addon, uname }) {
  const windows = name.startsWith('windows');
  return {
    name,
    file: `chainctl_${name}${windows ? '.exe' : ''}`,
    alias: uname === undefined ? undefined : `chainctl_${uname}`,
    bunTarget: `bun-${bun}`,
    runtime: {
      package: `@oven/bun-${bun}`,
      version: bunVersion,
      integrity: `sha512-${runtime}`,
      path: windows ? 'package/bin/bun.exe' : 'package/bin/bun',
    },
    addon: {
      package: `@napi-rs/keyring-${keyring}`,
      version: keyringVersion,
      integrity: `sha512-${addon}`,
      path: `package/keyring.${keyring}.node`,
    },
  };
}

/** The target this machine can run, which also builds the others. Throws where Bun has none. */
export function hostTarget() {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const processor = process.arch === 'x64' ? 'x86_64' : process.arch;
  // Node's report names the C library it was loaded with; musl has none to name.
  const musl = system === 'linux' && process.report.getReport().header.glibcVersionRuntime === undefined;
  const name = `${system}_${processor}${musl ? '_musl' : ''}`;
  const found = targets.find((one) => one.name === name);
  if (found === undefined) throw new Error(`release: there is no Bun for ${name}; build on another machine`);
  return found;
}
