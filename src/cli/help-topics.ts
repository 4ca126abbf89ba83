// Texts of `chainctl help TOPIC`, which hold for every command.

import { configSchema, envName } from '../config/schema.ts';
import type { Host } from '../host.ts';
import { nearest } from '../suggest.ts';
import { helpWidth, section } from './help.ts';
import { flagRows } from './help-page.ts';
import { allInputs } from './spelling.ts';

const output = `How answers are shown.

On a terminal a list takes one line for each item, cut to its width, with short ids and times such as "in 7 days". A short
id is accepted wherever it means one thing. In a pipe nothing is cut and times are RFC 3339 in UTC.

  -o table      columns; ids whole             -o wide       every column, nothing cut
  -o json       one document on one line       -o yaml       the same document as YAML
  -o id         ids, one to a line             -o csv        every column, for spreadsheets
  -o markdown   a table for a pull request     -o none       nothing
  -o tree, text, terse, env, go-template       where a command has them

  --sort-by COLUMN      a column, as in its head, or a field of the JSON; -COLUMN is descending
  --limit N             the first N
  --query EXPRESSION    JMESPath over the JSON (https://jmespath.org): without -o texts are
                        printed bare, one to a line; with -o json or yaml as such
  --csv-raw             cells that begin like a formula stay as they are

  chainctl iam identities list --query 'items[?expiration].name'
  chainctl iam identities list --sort-by=-last-seen --limit 10

Colors: output.color.pass, .warn and .fail; --force-color, NO_COLOR, CLICOLOR_FORCE and CLICOLOR decide.
Scripts: docs/scripting.md of the package.
`;

const exitCodes = `Exit codes.

  0    done
  1    failed: refused, not found, no network, a check that answered no; or a question answered with no
  2    used wrongly: a flag, a value, something missing that nobody could be asked for
  3    differences were found: \`iam plan\`, \`iam access diff\`, \`local snapshot diff\`
  4    not signed in, or no longer
  130  interrupted

With -o json errors are one JSON object on stderr: code, reason, message, details, hint.
\`reason\` is a stable word; docs/errors.md has all of them.
`;

const contexts = `Which platform a command talks to.

The first of these that says something wins:
  1. --api, --issuer, --audience, --console
  2. --context NAME
  3. CHAINGUARD_PLATFORM_API and its siblings, which \`chainctl local env\` prints
  4. CHAINCTL_CONTEXT
  5. the context selected with \`chainctl config contexts use NAME\`
  6. platform.* of the configuration file

\`chainctl auth status\` says whose login is used.
`;

const environment = (): string => {
  const rows = configSchema.map(({ key, help }) => [envName(key), `${key}: ${help}`] as const);
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    'Environment variables. A flag beats a variable, a variable the configuration file.',
    '',
    ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`),
    '',
    '  CHAINCTL_CONFIG, CHAINCTL_CONTEXT, CHAINCTL_DEBUG  the file, the context, debug output',
    '  HTTPS_PROXY, HTTP_PROXY, NO_PROXY, SSL_CERT_FILE    the way to the network',
    '  NO_COLOR, CLICOLOR, CLICOLOR_FORCE, COLORTERM       colors',
    '  EDITOR, BROWSER, PAGER, CHAINCTL_PAGER              programs to start',
    '  ACCESSIBLE, TERM=dumb                               plain numbered lines in place of pickers',
    '',
  ].join('\n');
};

const topics: Readonly<Record<string, (host: Host) => string>> = {
  output: () => output,
  environment,
  'exit-codes': () => exitCodes,
  contexts: () => contexts,
  flags: (host) => {
    const rows = flagRows(allInputs().global).map(([name, text]) => [name, text] as const);
    return `${section('Flags of every command', rows, helpWidth(host))}\n`;
  },
};

export const topicNames: readonly string[] = Object.keys(topics);

/** The text of a topic; undefined when there is none of that name. */
export const helpTopic = (name: string, host: Host): string | undefined =>
  Object.hasOwn(topics, name) ? topics[name]?.(host) : undefined;

export const nearestTopic = (word: string): string | undefined => nearest(word, topicNames);
