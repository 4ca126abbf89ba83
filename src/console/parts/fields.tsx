// Forms and their fields. Guarantees: every field has a label; what was typed is kept when the form comes back; what
// was wrong is said at the field and belongs to it for a screen reader.

import type { ComponentChildren, JSX } from 'preact';
import type { Form } from '../form.ts';

export interface FormProps {
  readonly form: Form;
  /** Words of the button that sends it. */
  readonly submit: string;
  /** True when the action cannot be undone. */
  readonly dangerous?: boolean;
  /** Words of a second button, which shows what the form would do. */
  readonly preview?: string | undefined;
  /** Address of Cancel. */
  readonly back?: string;
  readonly backLabel?: string;
  readonly children?: ComponentChildren;
}

/** Sends itself to the address of the page. */
export function FormBox({ form, submit, dangerous, preview, back, backLabel = 'Cancel', children }: FormProps) {
  const general = form.problems[''];
  return (
    <form method="post" class="fields">
      <input type="hidden" name="form" value={form.id} />
      {general !== undefined && (
        <p class="problem" role="alert">
          {general}
        </p>
      )}
      {children}
      <div class="buttons">
        <button class={dangerous ? 'main danger' : 'main'} type="submit">
          {submit}
        </button>
        {preview !== undefined && (
          <button type="submit" name="step" value="preview">
            {preview}
          </button>
        )}
        {back !== undefined && (
          <a class="button" href={back}>
            {backLabel}
          </a>
        )}
      </div>
    </form>
  );
}

interface FieldProps {
  readonly form: Form;
  readonly name: string;
  readonly label: string;
  readonly note?: ComponentChildren;
  readonly initial?: string;
}

const idOf = (name: string): string => `field-${name}`;

/** Returns what a field and its remarks have in common. */
function around({ form, name, label, note }: FieldProps, field: (shared: Shared) => JSX.Element) {
  const problem = form.problems[name];
  const id = idOf(name);
  const described = [problem === undefined ? '' : `${id}-problem`, note === undefined ? '' : `${id}-note`];
  const shared: Shared = {
    id,
    name,
    'aria-describedby': described.filter((each) => each !== '').join(' ') || undefined,
    'aria-invalid': problem === undefined ? undefined : 'true',
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {problem !== undefined && (
        <p class="problem" id={`${id}-problem`} role="alert">
          {problem}
        </p>
      )}
      {field(shared)}
      {note !== undefined && (
        <p class="note" id={`${id}-note`}>
          {note}
        </p>
      )}
    </div>
  );
}

interface Shared {
  readonly id: string;
  readonly name: string;
  readonly 'aria-describedby': string | undefined;
  readonly 'aria-invalid': 'true' | undefined;
}

interface TextProps extends FieldProps {
  readonly type?: 'text' | 'email' | 'url' | 'date' | 'password';
  readonly required?: boolean;
  readonly maxLength?: number;
  readonly min?: string;
  readonly max?: string;
  readonly autofocus?: boolean;
  readonly inputMode?: 'numeric';
  readonly placeholder?: string;
  /** Id of a list of proposals. */
  readonly list?: string;
}

export function TextField(props: TextProps) {
  const {
    form,
    name,
    initial,
    type = 'text',
    required,
    maxLength,
    min,
    max,
    autofocus,
    inputMode,
    placeholder,
    list,
  } = props;
  return around(props, (shared) => (
    <input
      {...shared}
      // The types of JSX want to know which of them it is.
      type={type as 'text'}
      value={form.value(name, initial)}
      required={required}
      maxLength={maxLength}
      min={min}
      max={max}
      autofocus={autofocus}
      inputMode={inputMode}
      placeholder={placeholder}
      list={list}
      autocomplete="off"
      spellcheck={false}
    />
  ));
}

export function TextArea(
  props: FieldProps & {
    readonly rows: number;
    readonly required?: boolean;
    readonly placeholder?: string;
    /** A typed secret is not shown again. */
    readonly isForgotten?: boolean;
    /** White space and length are kept as they are. */
    readonly isExact?: boolean;
  },
) {
  const { form, name, initial, rows, required, placeholder, isForgotten, isExact } = props;
  const typed = isExact === true ? form.exact(name, initial) : form.value(name, initial);
  return around(props, (shared) => (
    <textarea
      {...shared}
      rows={rows}
      required={required}
      placeholder={placeholder}
      autocomplete="off"
      spellcheck={false}
      value={isForgotten === true ? '' : typed}
    />
  ));
}

export interface Option {
  readonly value: string;
  readonly label: string;
}

export function SelectField(
  props: FieldProps & {
    readonly options: readonly Option[];
    readonly required?: boolean;
    readonly autofocus?: boolean;
  },
) {
  const { form, name, options, initial, required, autofocus } = props;
  const chosen = form.value(name, initial);
  return around(props, (shared) => (
    <select {...shared} required={required} autofocus={autofocus}>
      {options.map(({ value, label }) => (
        <option key={value} value={value} selected={value === chosen}>
          {label}
        </option>
      ))}
    </select>
  ));
}

/**
 * Returns what is wrong with the name of something new, by the rule of the platform (semantics 2); undefined for a good
 * one.
 */
export function nameProblem(name: string, of: string): string | undefined {
  if (name === '') return `Give ${of} a name.`;
  if (name.length > 100) return 'Use at most 100 characters.';
  return /^[a-z0-9 ._-]+$/.test(name) ? undefined : 'Use lower-case letters, digits, spaces and “. _ -” only.';
}
