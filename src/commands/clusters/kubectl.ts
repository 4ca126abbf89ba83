import type { Context } from '../../cli/context.ts';
import { CliError } from '../../errors.ts';
import { type Kubectl, openKubectl } from '../../kubernetes/kubectl.ts';

/**
 * Opens kubectl for the context that was given, else for its current one. Throws where `--context` could mean a context of
 * chainctl as well as another one of kubectl: what is done to a cluster is not guessed.
 */
export async function kubectlFor(context: Context, kubeContext: string | undefined): Promise<Kubectl> {
  const kubectl = await openKubectl(context.host.env, kubeContext, context.signal);
  const { context: ours } = context.globals;
  if (kubeContext === undefined && ours !== undefined && ours !== kubectl.context && kubectl.contexts.includes(ours)) {
    throw new CliError('usage', `\`--context=${ours}\` names a context of chainctl and one of kubectl`, {
      code: 'usage.kubectl-context',
      hint: `add \`--kube-context=${ours}\`, or \`--kube-context=${kubectl.context}\`, which is kubectl's current one`,
    });
  }
  return kubectl;
}
