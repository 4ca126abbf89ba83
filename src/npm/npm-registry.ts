// Addresses of npm registries.

/**
 * Returns where a platform serves npm packages: beside its registry (protocols 12). A platform of another name serves
 * them, if at all, at its registry's own address, so that its tokens are never sent to a host that is not its own.
 */
export function npmRegistryOf(registry: string): { readonly url: string; readonly audience: string } {
  const { hostname, host, origin } = new URL(registry);
  const isPublic = hostname === 'cgr.dev' || hostname.endsWith('.cgr.dev');
  return isPublic
    ? { url: 'https://libraries.cgr.dev/javascript/', audience: 'libraries.cgr.dev' }
    : { url: `${origin}/javascript/`, audience: host.toLowerCase() };
}
