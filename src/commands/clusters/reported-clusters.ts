import { send } from '../../api/transport.ts';
import type { Context } from '../../cli/context.ts';
import { isObject, parseObject, textOf } from '../../json.ts';

export interface ReportedCluster {
  readonly id: string;
  /** Uid of namespace gulfstream. */
  readonly remoteId: string;
}

/** Returns the clusters that an agent reports for, or why the platform does not tell them. `bearer` is the agent's. */
export async function reportedClusters(
  { host, signal }: Context,
  api: string,
  bearer: string,
): Promise<readonly ReportedCluster[] | { readonly refused: string }> {
  const { status, text } = await send(host, {
    method: 'GET',
    url: `${api}/local/enforce/v1/clusters`,
    headers: { authorization: `Bearer ${bearer}`, accept: 'application/json' },
    timeoutMs: 30_000,
    signal,
  });
  const answer = parseObject(text);
  if (status !== 200) return { refused: textOf(answer, 'message') ?? `the platform answered ${status}` };
  const clusters = answer?.['clusters'];
  return (Array.isArray(clusters) ? clusters : []).filter(isObject).map((one) => ({
    id: textOf(one, 'id') ?? '',
    remoteId: textOf(one, 'remoteId') ?? '',
  }));
}
