// A form that was sent. Guarantees: it is done once; what fails is one sentence on a page, with what was typed still in
// it.

import { type ConsoleAnswer, isSent, isWent, messagePage, redirect, statusOf } from './answers.tsx';
import { CallFailure } from './caller.ts';
import { FormProblem, formOf } from './form.ts';
import type { Action, Shown, Visit, Went } from './page.ts';
import type { ConsoleRequest } from './request.ts';
import type { Session } from './session.ts';

export interface Submitted {
  readonly request: ConsoleRequest;
  readonly session: Session;
  readonly visit: Visit;
  readonly action: Action;
  /** Of the form that is shown next. */
  readonly formId: string;
  readonly inFrame: (shown: Shown, status?: number) => ConsoleAnswer;
}

/** Throws CallFailure where there is no page to say it on. */
export async function submit({ request, session, visit, action, formId, inFrame }: Submitted): Promise<ConsoleAnswer> {
  const { submit: work, look } = action;
  if (work === undefined && look === undefined) return messagePage(405, 'This page takes no form', []);
  const sentId = request.fields.get('form') ?? '';
  if (!/^[\w-]{22}$/.test(sentId))
    return messagePage(400, 'This form is none of the console', ['Nothing has been done.']);
  try {
    const looked = await look?.(visit, formOf(request.fields, formId, {}, true));
    if (looked !== undefined) return inFrame(looked);
    if (work === undefined) return messagePage(405, 'This page takes no form', []);
    const went = await session.once(sentId, `${request.path}?${request.query}`, () =>
      work(visit, formOf(request.fields, sentId)).then((it) => finished(session, it)),
    );
    return redirect(went.to);
  } catch (error) {
    const isFormProblem = error instanceof FormProblem;
    if (!isFormProblem && (!(error instanceof CallFailure) || error.kind === 'signed-out')) throw error;
    session.forgetAnswers();
    if (action.show === undefined) throw error;
    const problems = isFormProblem ? error.problems : { '': error.message };
    const shown = await action.show(visit, formOf(request.fields, formId, problems, true));
    if (isSent(shown) || isWent(shown)) throw error;
    return inFrame(shown, isFormProblem ? 400 : statusOf(error));
  }
}

async function finished(session: Session, went: Went): Promise<Went> {
  session.forgetAnswers();
  // The change stands, even if the login only learns of it later.
  if (went.renews) await session.caller.renew().catch(() => undefined);
  if (went.notice === undefined) return went;
  const [address = '', hash] = went.to.split('#');
  const ticket = session.put(went.notice);
  const mark = address.includes('?') ? '&' : '?';
  return { ...went, to: `${address}${mark}done=${ticket}${hash === undefined ? '' : `#${hash}`}` };
}
