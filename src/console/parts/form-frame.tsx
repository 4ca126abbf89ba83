// The frame of a form: a pane over the list that it belongs to, with the command that does the same. Guarantees: giving
// up leads back to the rows that were looked at, and to what opened the pane.

import type { ComponentChildren } from 'preact';
import type { Form } from '../form.ts';
import type { Action, Shown, Visit, Went } from '../page.ts';
import { SameCommand } from './copied.tsx';
import { FormBox } from './fields.tsx';
import { rowsShown } from './list-frame.tsx';
import { sheetOver } from './sheet.tsx';

export interface Pane {
  /** Of the pane, and of the window. */
  readonly title: string;
  /** Words of the button. */
  readonly submit: string;
  /** True when the action cannot be undone. */
  readonly isDangerous?: true;
  /** Content above the form. */
  readonly above?: ComponentChildren;
  /** Fields, or the sentence that says what will happen. */
  readonly fields: ComponentChildren;
  /** Content below the form. */
  readonly below?: ComponentChildren;
  /** Words of the chainctl command that does the same. */
  readonly same: readonly string[];
  /** Id of the element that opened it. */
  readonly anchor: string;
  readonly backLabel?: string;
  /** Words of a button that shows what the form would do, with `preview` of the frame. */
  readonly preview?: string;
}

export interface FormFrame<Data> {
  /** Of its page. */
  readonly path: string;
  /** The page that it lies over. */
  readonly behind: (visit: Visit) => Promise<Shown>;
  /** Loads the subject of the form. Throws CallFailure when it is not there. */
  readonly load?: (visit: Visit) => Promise<Data>;
  readonly pane: (visit: Visit, form: Form, data: Data) => Pane;
  /** Finds out what the form would do, for `pane` to show. Throws FormProblem or CallFailure. */
  readonly preview?: (visit: Visit, form: Form, data: Data) => Promise<Data>;
  /** Throws FormProblem or CallFailure. */
  readonly submit: (visit: Visit, form: Form, data: Data) => Promise<Went>;
}

export function formFrame<Data = undefined>({ path, behind, load, pane, preview, submit }: FormFrame<Data>): Action {
  // Without `load` there is nothing to know, which is what Data then says.
  const dataOf = async (visit: Visit): Promise<Data> => (load === undefined ? (undefined as Data) : load(visit));
  const shown = async (visit: Visit, form: Form, data: Data): Promise<Shown> => {
    const { title, anchor, above, fields, below, same, backLabel, isDangerous, ...words } = pane(visit, form, data);
    const back = backTo(visit, path, anchor);
    return sheetOver(visit, {
      ...{ path, behind, title, back },
      children: (
        <>
          {above}
          <FormBox
            form={form}
            submit={words.submit}
            preview={words.preview}
            dangerous={isDangerous === true}
            back={back}
            {...(backLabel === undefined ? {} : { backLabel })}
          >
            {fields}
          </FormBox>
          {below}
          <SameCommand words={same} />
        </>
      ),
    });
  };
  return {
    show: async (visit, form) => shown(visit, form, await dataOf(visit)),
    async look(visit, form) {
      if (preview === undefined || form.value('step') !== 'preview') return undefined;
      return shown(visit, form, await preview(visit, form, await dataOf(visit)));
    },
    submit: async (visit, form) => submit(visit, form, await dataOf(visit)),
  };
}

/** The address of a page with the rows that were looked at, and what is to be focused there. */
export const backTo = (visit: Visit, path: string, anchor: string): string =>
  `${visit.href(path, '', rowsShown(visit))}#${anchor}`;

export interface OnceFrame<Made> {
  readonly path: string;
  readonly behind: (visit: Visit) => Promise<Shown>;
  /** Of the pane that shows it. */
  readonly title: string;
  readonly body: (visit: Visit, made: Made) => ComponentChildren;
  /** Said instead when it was shown before. */
  readonly afterwards: string;
  readonly anchor: (visit: Visit) => string;
}

/** A pane with a secret that `submit` has put away: shown once, and not by going back or loading the page again. */
export function onceFrame<Made>({ path, behind, title, body, afterwards, anchor }: OnceFrame<Made>): Action {
  return {
    async show(visit) {
      // Only the form of the same page puts something away under a ticket that its own address names.
      const made = visit.take(visit.query.get('ticket') ?? '') as Made | undefined;
      const back = backTo(visit, path, anchor(visit));
      return sheetOver(visit, {
        ...{ path, behind, back },
        title: made === undefined ? 'Shown once' : title,
        children: (
          <>
            {made === undefined ? <p>{afterwards}</p> : <div data-secret>{body(visit, made)}</div>}
            <a class="button main" href={back}>
              {made === undefined ? 'Back to the list' : 'Done'}
            </a>
          </>
        ),
      });
    },
  };
}
