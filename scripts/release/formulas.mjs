// What Homebrew and Scoop read, with the hashes of this release.

/** Returns the text of a formula for macOS and Linux. */
export function homebrewFormula({ version, baseUrl, sums }) {
  const place = (name) => `      url "${baseUrl}/${version}/${name}"\n      sha256 "${sums[name].sha256}"`;
  const system = (os, names) => `  on_${os} do
    on_arm do
${place(names.arm)}
    end
    on_intel do
${place(names.intel)}
    end
  end`;
  return `class Chainctl < Formula
  desc "Independent command-line for the Chainguard platform, with the platform embedded"
  homepage "${baseUrl}"
  version "${version}"
  license "Apache-2.0"

${system('macos', { arm: 'chainctl_darwin_arm64', intel: 'chainctl_darwin_x86_64' })}

${system('linux', { arm: 'chainctl_linux_arm64', intel: 'chainctl_linux_x86_64' })}

  def install
    bin.install Dir["chainctl_*"].first => "chainctl"
    chmod 0755, bin/"chainctl"
    bin.install_symlink bin/"chainctl" => "docker-credential-cgr"
    bin.install_symlink bin/"chainctl" => "kubelet-credential-provider-cgr"
    generate_completions_from_executable(bin/"chainctl", "completion")
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/chainctl version")
  end
end
`;
}

/** Returns the text of a Scoop manifest. Scoop has no links, so the helpers are scripts that name the program's part. */
export function scoopManifest({ version, baseUrl, sums }) {
  const place = (name) => ({ url: `${baseUrl}/${version}/${name}#/chainctl.exe`, hash: sums[name].sha256 });
  const manifest = {
    version,
    description: 'Independent command line for the Chainguard platform, with the platform embedded',
    homepage: baseUrl,
    license: 'Apache-2.0',
    architecture: { '64bit': place('chainctl_windows_x86_64.exe'), arm64: place('chainctl_windows_arm64.exe') },
    bin: [
      'chainctl.exe',
      ['chainctl.exe', 'docker-credential-cgr', '__docker-credential-cgr'],
      ['chainctl.exe', 'kubelet-credential-provider-cgr', '__kubelet-credential-provider-cgr'],
    ],
    checkver: { url: `${baseUrl}/latest/metadata.json`, jsonpath: '$.version' },
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}
