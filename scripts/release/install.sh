#!/bin/sh
# Installs chainctl without root: finds the file for this system, checks it, and puts it into ~/.local/bin with its two
# helpers, completions and man pages. Runs in every POSIX shell. The two values below belong to the release it came with.
set -eu

base_url='@BASE_URL@'
public_key='@PUBLIC_KEY@'
version=latest
dir=${HOME:-}/.local/bin
share=${XDG_DATA_HOME:-${HOME:-}/.local/share}

usage() {
  cat <<'TEXT'
Usage: sh install.sh [--version V] [--dir DIR] [--base-url URL]

  --version V     This release instead of the latest
  --dir DIR       Where chainctl goes; ~/.local/bin when left out
  --base-url URL  Where the releases are
TEXT
}

fail() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

while [ $# -gt 0 ]; do
  case $1 in
    --version=* | --dir=* | --base-url=*)
      name=${1%%=*}
      value=${1#*=}
      ;;
    --version | --dir | --base-url)
      [ $# -gt 1 ] || fail "$1 needs a value"
      name=$1
      value=$2
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      usage >&2
      fail "unknown argument: $1"
      ;;
  esac
  [ -n "$value" ] || fail "$name needs a value"
  case $name in
    --version) version=${value#v} ;;
    --dir) dir=$value ;;
    --base-url) base_url=${value%/} ;;
  esac
  shift
done

case $base_url in
  https://*) protocol='=https' ;;
  http://127.0.0.1[:/]* | http://localhost[:/]* | http://127.0.0.1 | http://localhost) protocol='=http,https' ;;
  '') fail 'say where the releases are: --base-url URL' ;;
  *) fail "the releases must be at an https address, not at $base_url" ;;
esac
case $version in
  latest) ;;
  *[!0-9a-z.-]* | .* | -*) fail "\"$version\" is no version: write it like 1.2.3" ;;
esac
[ -n "${dir#/.local/bin}" ] || fail 'there is no home folder: set HOME, or say --dir DIR'

# Whether one of these files is there.
any() {
  for each in "$@"; do [ ! -e "$each" ] || return 0; done
  return 1
}

# Both can be there: Debian has a package of musl, and Alpine one that answers for glibc. ldd belongs to the system's own.
is_musl() {
  case $(ldd --version 2>&1) in
    *musl*) return 0 ;;
    *GLIBC* | *GNU*) return 1 ;;
  esac
  any /lib/ld-musl-* && ! any /lib64/ld-linux-* /lib/ld-linux-*
}

system=$(uname -s)
machine=$(uname -m)
case $system in
  Linux) os=linux ;;
  Darwin) os=darwin ;;
  *) fail "there is no executable for $system; on Windows use Scoop, elsewhere npm" ;;
esac
case $machine in
  x86_64 | amd64) cpu=x86_64 ;;
  aarch64 | arm64) cpu=arm64 ;;
  *) fail "there is no executable for $machine processors; use npm" ;;
esac
libc=
if [ "$os" = darwin ]; then
  # A shell under Rosetta calls Apple silicon x86_64.
  [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || echo 0)" = 1 ] && cpu=arm64
elif is_musl; then
  libc=_musl
  any /lib/libstdc++.so.6 /usr/lib/libstdc++.so.6 || fail 'libstdc++ is missing: apk add libstdc++'
fi
file=chainctl_${os}_$cpu$libc

work=$(mktemp -d)
fresh=
trap 'rm -rf "$work" ${fresh:+"$fresh"}' EXIT
trap 'exit 130' INT TERM HUP

download() {
  if has curl; then
    curl --fail --silent --show-error --location --proto "$protocol" --proto-redir "$protocol" \
      --retry 2 --output "$work/$2" "$1" || fail "could not download $1"
  elif has wget; then
    wget -q -O "$work/$2" "$1" || fail "could not download $1"
  else
    fail 'neither curl nor wget is here'
  fi
}

sha256_of() {
  if has sha256sum; then
    sha256sum "$1"
  elif has shasum; then
    shasum -a 256 "$1"
  elif has openssl; then
    openssl dgst -sha256 -r "$1"
  else
    fail 'neither sha256sum nor shasum nor openssl is here, so nothing can be checked'
  fi | cut -d ' ' -f 1
}

# A release made between two requests to `latest` would break the pair, so it is asked for the version only.
if [ "$version" = latest ]; then
  download "$base_url/latest/metadata.json" metadata.json
  version=$(sed -n 's/.*"version" *: *"\([0-9][0-9a-z.-]*\)".*/\1/p' "$work/metadata.json" | head -n 1)
  [ -n "$version" ] || fail "$base_url/latest/metadata.json names no version"
fi
place=$base_url/$version
download "$place/chainctl_checksums.txt" checksums

if [ -n "$public_key" ]; then
  download "$place/chainctl_checksums.txt.sig" checksums.sig
  printf '%s\n' "$public_key" >"$work/key.pem"
  if has cosign; then
    cosign verify-blob --key "$work/key.pem" --signature "$work/checksums.sig" --insecure-ignore-tlog=true \
      "$work/checksums" >/dev/null 2>&1 || fail 'the signature of the checksums is wrong; nothing was installed'
    verified='checksum and signature (cosign)'
  elif has openssl; then
    openssl base64 -d -A -in "$work/checksums.sig" -out "$work/checksums.der" 2>/dev/null &&
      openssl dgst -sha256 -verify "$work/key.pem" -signature "$work/checksums.der" "$work/checksums" >/dev/null 2>&1 ||
      fail 'the signature of the checksums is wrong; nothing was installed'
    verified='checksum and signature (openssl)'
  else
    verified='checksum only: with cosign or openssl here, the signature is checked too'
  fi
else
  verified='checksum only: this release is not signed'
fi

# Prints the file's checksum as the list has it; nothing when it is not there.
listed() { sed -n "s/^\([0-9a-f]\{64\}\)  $1\$/\1/p" "$work/checksums"; }

fetch_checked() {
  wanted=$(listed "$1")
  [ -n "$wanted" ] || fail "release $version has no $1"
  download "$place/$1" "$1"
  [ "$(sha256_of "$work/$1")" = "$wanted" ] || fail "the checksum of $1 is wrong; nothing was installed"
}
fetch_checked "$file"
fetch_checked chainctl_share.tar.gz

mkdir -p "$dir" || fail "cannot make the folder $dir"
fresh=$dir/.chainctl.new.$$
cp "$work/$file" "$fresh" 2>/dev/null || fail "cannot write to $dir; give another folder with --dir"
chmod 755 "$fresh"
"$fresh" version >/dev/null 2>&1 || fail "$file does not run on this machine; nothing was installed"
mv -f "$fresh" "$dir/chainctl"
fresh=
for helper in docker-credential-cgr kubelet-credential-provider-cgr; do
  # Somebody's own file stays.
  if [ ! -e "$dir/$helper" ] || [ -L "$dir/$helper" ]; then ln -sf chainctl "$dir/$helper"; fi
done
if mkdir -p "$share" 2>/dev/null && tar -xzf "$work/chainctl_share.tar.gz" -C "$share" 2>/dev/null; then
  extras=", completions and man pages in $share"
else
  extras=
fi

printf 'chainctl %s is installed: %s%s\n' "$version" "$dir/chainctl" "$extras"
printf 'Checked: %s.\n' "$verified"
case :${PATH:-}: in
  *:"$dir":*) ;;
  *) printf 'Put it on PATH: export PATH="%s:$PATH"\n' "$dir" ;;
esac
