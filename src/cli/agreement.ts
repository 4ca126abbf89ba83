// The question before a change. Guarantees: a person reads where it happens and as whom before they agree, and a deletion on
// a platform that was selected once and for all, and may be forgotten by now, is agreed to twice.

import { CliError } from '../errors.ts';
import type { Context } from './context.ts';
import { printable } from './io.ts';
import type { Question } from './prompts/question.ts';

/** Resolves when a person, or a pipe, agrees. Throws kind `cancelled` when they do not. */
export async function requireAgreement(question: Question, context: Context): Promise<void> {
  const { prompts, io } = context;
  const place = question.isHere ? undefined : context.config.place;
  const isNamed = place !== undefined && !place.isOnlyOne;
  const message = isNamed ? `${await placeLine(context)}\n${question.message}` : question.message;
  const agreed =
    question.typed !== undefined && io.interactive
      ? await typedAgain(context, `${message}\nType "${question.typed}" to go on:`, question.typed)
      : await prompts.confirm({ ...question, message });
  if (!agreed) throw declined();
  const destroys = !question.default && question.makes !== true;
  if (!destroys || !isNamed || place.isNamedHere || !io.interactive) return;
  const again = `Nothing in this shell says where, so it happens on "${place.name}". Type that name to go on:`;
  if (!(await typedAgain(context, again, place.name))) throw declined();
}

/** An empty line is a no. */
async function typedAgain({ prompts }: Context, message: string, name: string): Promise<boolean> {
  const wrong = (text: string) => (text === '' || text === name ? undefined : `This is not "${name}"; Enter stops`);
  return (await prompts.text(message, wrong)) === name;
}

const declined = () => new CliError('cancelled', 'Nothing was changed', { code: 'cancelled.declined' });

/** `On local, as dev@example.com:` */
async function placeLine({ config, host }: Context): Promise<string> {
  const [{ readTokens }, { decodeClaims }] = await Promise.all([
    import('../auth/token-cache.ts'),
    import('../auth/jwt.ts'),
  ]);
  const { token } = readTokens(host, config.get('platform.audience'));
  const { email, sub } = (token === undefined ? undefined : decodeClaims(token)) ?? {};
  const who = typeof email === 'string' ? email : typeof sub === 'string' ? sub : undefined;
  return printable(`On ${config.place.name}${who === undefined ? '' : `, as ${who}`}:`);
}
