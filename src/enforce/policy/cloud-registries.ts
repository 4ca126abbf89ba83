// Registries of clouds, whose logins are made of those of an account (enforce.md 1.6).

export type RegistryCloud = { readonly kind: 'ecr'; readonly region: string } | { readonly kind: 'google' };

/** Finds the cloud of a registry; undefined for those of no cloud. */
export function cloudOf(registry: string): RegistryCloud | undefined {
  const [, region] = /^[0-9]{12}\.dkr\.ecr\.([a-z0-9-]{2,32})\.amazonaws\.com$/.exec(registry) ?? [];
  if (region !== undefined) return { kind: 'ecr', region };
  return /^(?:[a-z0-9-]+-docker\.pkg\.dev|(?:[a-z]+\.)?gcr\.io)$/.test(registry) ? { kind: 'google' } : undefined;
}
