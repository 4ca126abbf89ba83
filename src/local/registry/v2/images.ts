import type {
  RegistryV2Architectures,
  RegistryV2GetArchitecturesRequest,
  RegistryV2GetSizeRequest,
  RegistryV2Size,
} from '../../../api/schema/types/registry-v2.gen.ts';
import type { CallContext } from '../../core/handler.ts';
import type { Caller } from '../../core/types.ts';
import type { Tx } from '../../store/database.ts';
import * as v1 from '../catalog/image-contents.ts';

export function getArchitectures(
  tx: Tx,
  caller: Caller,
  { repoUid = '', digest = '' }: RegistryV2GetArchitecturesRequest,
  context: CallContext,
): RegistryV2Architectures {
  return { architectures: v1.getArchitectures(tx, caller, { repoId: repoUid, digest }, context).archs ?? [] };
}

export function getSize(
  tx: Tx,
  caller: Caller,
  { repoUid = '', digest = '', architecture = '' }: RegistryV2GetSizeRequest,
  context: CallContext,
): RegistryV2Size {
  const asked = { repoId: repoUid, digest, arch: architecture === '' ? 'amd64' : architecture };
  const { size = '0', arch = '' } = v1.getSize(tx, caller, asked, context);
  return { size, architecture: arch };
}
