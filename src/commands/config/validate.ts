import type { Context } from '../../cli/context.ts';
import { defineCommand, defineView } from '../../cli/define.ts';
import type { ConfigKey } from '../../config/schema.ts';
import { CliError } from '../../errors.ts';

/** One thing that was looked at. */
interface Finding {
  readonly check: string;
  readonly target: string;
  readonly ok: boolean;
  /** Error or finding. */
  readonly message: string;
}

const findingView = defineView<Finding>({
  columns: [
    { head: 'CHECK', value: (finding) => finding.check },
    { head: 'TARGET', value: (finding) => finding.target },
    {
      head: 'RESULT',
      state: (finding) => (finding.ok ? 'pass' : 'fail'),
      value: (finding) => (finding.ok ? 'ok' : 'failed'),
    },
    { head: 'DETAILS', rank: 1, value: (finding) => finding.message },
  ],
  envelope: 'items',
});

export default defineCommand({
  path: ['config', 'validate'],
  summary: 'Check the configuration and what it points at.',
  description:
    'Reads the file, checks every value, looks up the names of the API and the issuer and asks both for an answer. ' +
    'Exits 1 when something is not as it should be. No login is needed and none is sent.',
  inputs: {},
  examples: [
    { text: 'For a person', args: '' },
    { text: 'For a script', args: '--output=json' },
  ],
  view: findingView,
  formats: ['table', 'json'],
  // An error in the file is the answer here, not a reason to give none.
  readsConfig: false,
  exitError: (findings) => {
    const failed = findings.filter((finding) => !finding.ok).length;
    if (failed === 0) return undefined;
    return new CliError('local', failed === 1 ? 'One check failed' : `${failed} checks failed`, {
      code: 'local.config-invalid',
      hint: 'change a value with `chainctl config set`, or the whole file with `chainctl config edit`',
    });
  },
  run: async (context): Promise<readonly Finding[]> => {
    const file = await checkFile(context);
    let values: Awaited<ReturnType<Context['loadConfig']>>;
    try {
      values = await context.loadConfig();
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      if (file.some((finding) => !finding.ok)) return file;
      // The file is good, so a flag or a variable is not.
      return [...file, { check: 'values', target: 'flags and environment', ok: false, message: error.message }];
    }
    const places = await Promise.all(
      (['platform.api', 'platform.issuer'] as const).map((key) => checkPlace(context, key, values.get(key))),
    );
    return [...file, ...places.flat()];
  },
});

async function checkFile(context: Context): Promise<Finding[]> {
  const { locateConfig } = await import('../../config/paths.ts');
  const { readTextIfExists } = await import('../../files.ts');
  const { read: path, explicit } = locateConfig(context.host, context.globals.config);
  const finding = (ok: boolean, message: string): Finding => ({ check: 'file', target: path ?? 'none', ok, message });
  try {
    const text = path === undefined ? undefined : readTextIfExists(path);
    if (text === undefined) return [finding(!explicit, explicit ? 'does not exist' : 'defaults apply')];
    const { checkConfigText } = await import('../../config/document.ts');
    const problems = await checkConfigText(text);
    if (problems.length === 0) return [finding(true, 'every value is valid')];
    return problems.map((problem) => finding(problem.kind === 'unknown', `line ${problem.line}: ${problem.message}`));
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return [finding(false, error.message)];
  }
}

/** Name, then answer: the second says nothing new when the first already failed. */
async function checkPlace(context: Context, key: ConfigKey, address: string): Promise<Finding[]> {
  const { hostname } = new URL(address);
  const check = key.slice(key.lastIndexOf('.') + 1);
  const { proxyFor } = await import('../../api/proxy.ts');
  // The proxy looks the name up; behind it this machine often knows no name outside.
  if (proxyFor(context.host.env, new URL(address)) !== undefined) return [await checkAnswer(context, check, address)];
  const dns = { check: `${check} name`, target: hostname };
  const { lookup } = await import('node:dns/promises');
  const found = await lookup(hostname.replace(/^\[(.*)\]$/, '$1')).catch(() => undefined);
  if (found === undefined) return [{ ...dns, ok: false, message: 'the name is not known' }];
  return [{ ...dns, ok: true, message: found.address }, await checkAnswer(context, check, address)];
}

async function checkAnswer(context: Context, check: string, address: string): Promise<Finding> {
  const { send } = await import('../../api/transport.ts');
  const finding = { check: `${check} answer`, target: address };
  const isIssuer = check === 'issuer';
  try {
    const response = await send(context.host, {
      method: 'GET',
      // The issuer must be discoverable; of the API any answer will do, because every path of it wants a login.
      url: isIssuer ? `${address}/.well-known/openid-configuration` : `${address}/`,
      timeoutMs: 10_000,
      maxBytes: 1024 * 1024,
      signal: context.signal,
    });
    if (response.status >= 500) return { ...finding, ok: false, message: `answers ${response.status}` };
    const problem = isIssuer ? discoveryProblem(response.status, response.text, address) : undefined;
    return { ...finding, ok: problem === undefined, message: problem ?? `answers ${response.status}` };
  } catch (error) {
    if (!(error instanceof CliError) || error.kind === 'cancelled') throw error;
    return { ...finding, ok: false, message: error.message };
  }
}

function discoveryProblem(status: number, text: string, address: string): string | undefined {
  if (status !== 200) return `answers ${status} where its discovery document should be`;
  try {
    const document = JSON.parse(text) as { issuer?: unknown };
    if (document.issuer === address) return undefined;
    return `calls itself ${typeof document.issuer === 'string' ? `"${document.issuer}"` : 'nothing'}`;
  } catch {
    return 'answers something that is no discovery document';
  }
}
