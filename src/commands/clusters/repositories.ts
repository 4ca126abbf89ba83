import type { OciClient } from '../../api/oci-client.ts';
import type { Repository } from '../../enforce/verify/surroundings.ts';
import { CliError } from '../../errors.ts';

/** One repository of a registry, as the engine reads it: what is not there is undefined. */
export function repositoryOf(client: OciClient, repository: string): Repository {
  return {
    async manifest(reference) {
      try {
        return await client.manifest(repository, reference);
      } catch (error) {
        if (error instanceof CliError && error.kind === 'not-found') return undefined;
        throw error;
      }
    },
    blob: (digest) => client.blob(repository, digest),
    referrers: (digest) => client.referrers(repository, digest),
  };
}
