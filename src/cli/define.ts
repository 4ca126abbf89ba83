// How a command, a group and a view are declared. Guarantees: a definition is data plus one function, loads nothing
// heavy, and its `run` receives values that were parsed, looked up, asked for and confirmed.

import type { Operation } from '../api/schema/types.ts';
import type { ConfigKey } from '../config/schema.ts';
import type { CliError, Ending } from '../errors.ts';
import type { Context } from './context.ts';
import type { HelpPage } from './help-data.ts';
import type { Kind } from './inputs/kind.ts';
import { boolean } from './inputs/values.ts';
import type { Question } from './prompts/question.ts';

/** Formats of `--output`. One file each in `output/`. */
export type Format =
  | 'csv'
  | 'env'
  | 'go-template'
  | 'id'
  | 'json'
  | 'markdown'
  | 'none'
  | 'sarif'
  | 'table'
  | 'terse'
  | 'text'
  | 'tree'
  | 'wide'
  | 'yaml';

export interface Input<V = unknown> {
  readonly kind: Kind<V>;
  readonly help: string;
  readonly required?: boolean;
  /** Required unless the input with this key is given, or set if it is a boolean. */
  readonly requiredUnless?: string;
  readonly many?: boolean;
  /** Name in the usage line when the value may be given without a flag. */
  readonly positional?: string;
  /** Flag name without dashes; the key in kebab case unless given. `false`: positional only. */
  readonly flag?: string | false;
  readonly short?: string;
  /** Older spellings of the flag that scripts still use; hidden in help. */
  readonly aliases?: readonly string[];
  /** Text that is parsed when nothing was given. */
  readonly default?: string;
  readonly config?: ConfigKey;
  /** Whether the configuration counts when these keys were given; always unless said otherwise. */
  readonly configWhen?: (given: ReadonlySet<string>) => boolean;
  readonly hidden?: boolean;
  /** Asked for with this question instead of a derived one. */
  readonly question?: string;
  /** Example of an answer, where the word for the value does not say enough (`inputs/examples.ts`). */
  readonly example?: string;
  /** Present value, which a person who is asked may change or take with Enter. */
  readonly current?: (context: Context, chosen: Readonly<Record<string, unknown>>) => Promise<string | undefined>;
  /**
   * Asked for as well where a person is asked anything, because it is easily forgotten. None is an answer. Only with
   * `many`.
   */
  readonly asksWith?: true;
  /** Given without anything (`--flag=`) it is asked for, although it is not required. Only with `many`. */
  readonly askWhenEmpty?: true;
}

export type Inputs = Readonly<Record<string, Input>>;

type ValueOf<I extends Input> =
  I extends Input<infer V>
    ? I extends { many: true }
      ? V[]
      : I extends { required: true } | { default: string }
        ? V
        : I['kind'] extends { boolean: true }
          ? boolean
          : V | undefined
    : never;

/** Values given to `run`, by input key. */
export type InputValues<I extends Inputs> = { readonly [K in keyof I]: ValueOf<I[K]> };

/**
 * Keys of the inputs that somebody gave: a boolean that is false because it was left out looks like one that was
 * switched off.
 */
export type Given = ReadonlySet<string>;

/** A rule over which inputs were given. */
export type Check =
  | { readonly rule: 'exclusive'; readonly keys: readonly string[] }
  | { readonly rule: 'one-of'; readonly keys: readonly string[]; readonly alternatives?: Alternatives }
  | { readonly rule: 'needs'; readonly key: string; readonly needs: string };

/** Question asked in place of an error that one of several inputs is required. */
export interface Alternatives {
  readonly question: string;
  /** One way for each of the inputs unless given. */
  readonly options?: readonly Option[];
  /** Asked before everything else: some of the ways are other commands. */
  readonly first?: true;
  /** The sentence for whoever cannot be asked, instead of the one that lists the inputs. */
  readonly problem?: string;
}

/** One answer to a choice. */
export interface Option {
  readonly label: string;
  readonly description?: string;
  /** Keys of the inputs that are asked for when they are missing, in declared order. */
  readonly requires: readonly string[];
  /** The command that does it, given the same words: its path below this one. */
  readonly below?: readonly string[];
}

/** Facts about an operation that `--needs` uses. */
export type OperationFacts = Pick<Operation, 'id' | 'capabilities' | 'iam' | 'scope' | 'unscoped' | 'readOnly'>;

/** At most one of these may be given. */
export const exclusive = (...keys: string[]): Check => ({ rule: 'exclusive', keys });
/** At least one of these must be given, or chosen on a terminal: what an update changes. */
export const changeOf = (...keys: string[]): Check => ({
  rule: 'one-of',
  keys,
  alternatives: { question: 'What would you like to change?' },
});
/** The first only makes sense with the second. */
export const needs = (key: string, other: string): Check => ({ rule: 'needs', key, needs: other });

export interface Example {
  /** Caption without full stop. */
  readonly text: string;
  /** Words after the command path. */
  readonly args: string;
}

export interface CommandDefinition<I extends Inputs, T> {
  readonly path: readonly string[];
  /** Imperative, under 60 characters, full stop. */
  readonly summary: string;
  readonly description?: string;
  /** Other spellings of the last word. */
  readonly aliases?: readonly string[];
  readonly inputs: I;
  readonly check?: readonly Check[];
  readonly examples: readonly Example[];
  readonly view?: View<T>;
  /** First is the default. Without a view a command prints nothing and takes any format. */
  readonly formats?: readonly Format[];
  /** It answers with a list although its name does not say so. */
  readonly lists?: true;
  /** A format that is not offered falls back to the default with a warning instead of an error (script-contracts 2). */
  readonly lenientFormat?: true;
  /**
   * Rules that need more than presence: what is wrong, one sentence each, naming the flag. Runs before any look-up or
   * question, so references are still text and nothing is filled in yet.
   */
  readonly validate?: (
    given: Partial<InputValues<I>>,
    context: Context,
  ) => readonly string[] | Promise<readonly string[]>;
  /** Asked before `run`, unless `--yes` is given: a command that has this has the flag. */
  readonly confirm?: (
    input: InputValues<I>,
    context: Context,
    given: Given,
  ) => Question | undefined | Promise<Question | undefined>;
  /** Help of `--yes` where `run` itself asks for the confirmation, because what changes is known only then. */
  readonly confirmsInRun?: string;
  /** Key of the input that `--context` gives where chainctl has no context of that name. */
  readonly contextElse?: string;
  /** False for commands that must work when the configuration file is broken; they load it themselves. */
  readonly readsConfig?: false;
  /** Asked after the result was printed: the error of a check that answered no, or an exit code of its own. */
  readonly exitError?: (results: readonly T[]) => CliError | Ending | undefined;
  /** Work that continues after the result is printed, such as a server in the foreground. */
  readonly afterRender?: (context: Context, results: readonly T[], input: InputValues<I>) => Promise<void>;
  readonly hidden?: boolean;
  readonly deprecated?: string;
  /**
   * Something on this machine is different afterwards: a file, a login, a process. What operations change is known by
   * them.
   */
  readonly changesHere?: true;
  /** Operations that it calls because of what was given. Others are found in the sources (`scripts/gen-needs.ts`). */
  readonly operations?: (given: Partial<InputValues<I>>) => Promise<readonly OperationFacts[]>;
  /** Begins what the view's columns will ask for, while the list itself is on its way; only where columns are shown. */
  readonly ahead?: (context: Context, input: InputValues<I>) => void;
  readonly run: (
    context: Context,
    input: InputValues<I>,
    given: Given,
  ) => Promise<T | AsyncIterable<T> | readonly T[] | undefined> | Promise<void> | AsyncIterable<T>;
}

/** A command whose types were erased: what the pipeline works on. `yes` is among its inputs when it confirms. */
export type AnyCommand = Omit<CommandDefinition<Inputs, unknown>, 'inputs'> & { readonly inputs: Inputs };

/** Gives the command its `--yes` when it asks for a confirmation; it cannot declare one itself. */
export function defineCommand<const I extends Inputs & { readonly yes?: never }, T = never>(
  definition: CommandDefinition<I, T>,
): AnyCommand {
  const { inputs, confirm, confirmsInRun } = definition;
  const help = confirmsInRun ?? (confirm === undefined ? undefined : 'Do not ask for confirmation.');
  const all: Inputs = help === undefined ? inputs : { ...inputs, yes: { kind: boolean, short: 'y', help } };
  // Inputs and run agree by construction here; past this point the pipeline supplies what the inputs declare.
  return { ...definition, inputs: all } as unknown as AnyCommand;
}

export interface GroupDefinition {
  readonly path: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly aliases?: readonly string[];
  readonly hidden?: boolean;
}

export const defineGroup = (definition: GroupDefinition): GroupDefinition => definition;

export interface Column<T> {
  readonly head: string;
  /** May fetch what only this column shows; other formats then cost nothing. */
  readonly value: (item: T, cell: CellContext) => CellValue | Promise<CellValue>;
  /** Only shown by `wide` and csv. */
  readonly wide?: true;
  readonly align?: 'left' | 'right';
  /** The value is an id: never cut, and short in the default list on a terminal. */
  readonly id?: true;
  /** Leaves a narrow terminal the sooner the larger it is; 0 unless given, which never leaves. */
  readonly rank?: number;
  /** Short form of the value for a list on a terminal. */
  readonly brief?: (item: T, cell: CellContext) => CellValue | Promise<CellValue>;
  /** State that the value stands for, which chooses its color. */
  readonly state?: (item: T, cell: CellContext) => State | undefined;
}

/** Good, worth a look, bad: the colors `output.color.pass`, `.warn` and `.fail`. */
export type State = 'pass' | 'warn' | 'fail';

export type CellValue = string | number | undefined;

/** Values that a cell may depend on. */
export interface CellContext {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** `in 7 days` for people, RFC 3339 in their zone where they want it exact, RFC 3339 in UTC for programs. */
  readonly times: 'relative' | 'local' | 'utc';
}

export interface TreeNode {
  readonly label: string;
  readonly children: readonly TreeNode[];
}

/** A result as SARIF has it (OASIS SARIF 2.1.0, 3.27). */
export interface SarifResult {
  readonly ruleId: string;
  /** Subject of the rule, one sentence. */
  readonly rule: string;
  /** Next step, one sentence. */
  readonly help: string;
  readonly level: 'error' | 'warning' | 'note';
  readonly message: string;
  /** The thing that was found, by a name that stays. */
  readonly place: string;
}

/** Every way a noun can be shown. One per noun, beside its commands. */
export interface View<T> {
  readonly id?: (item: T) => string;
  readonly columns?: readonly Column<T>[];
  /** Rows of an item in formats with columns, when it takes several rows there, or none. */
  readonly rows?: (item: T) => readonly T[];
  /** The line of `terse`; the first column unless given. */
  readonly terse?: (item: T) => string;
  /** The object scripts read; the item itself unless given. */
  readonly json?: (item: T) => unknown;
  /** `items`: lists print `{"items":[…]}`; `array`: a bare array (script-contracts 8); `reports`: that key instead;
   * `lines`: a document to a line. */
  readonly envelope?: 'items' | 'reports' | 'array' | 'lines';
  /** May fetch what only a tree shows, e.g. names of the groups around. */
  readonly tree?: (items: readonly T[]) => readonly TreeNode[] | Promise<readonly TreeNode[]>;
  /** Free text for a single item; every line ends with a newline. May fetch what only it shows. */
  readonly text?: (item: T, cell: CellContext) => string | Promise<string>;
  /** Result of a person's own template, for `go-template`. */
  readonly template?: (item: T) => string | Promise<string>;
  /** One result of a check, for `sarif`. */
  readonly sarif?: (item: T) => SarifResult;
  /** Variables for `env`, without `export`. */
  readonly env?: (item: T) => Readonly<Record<string, string>>;
  /** Said on stderr when a list is empty. */
  readonly empty?: string;
}

export const defineView = <T>(view: View<T>): View<T> => view;

/** A node of the generated command index: what help and lookup need without loading a command. */
export interface IndexNode {
  readonly name: string;
  readonly summary: string;
  readonly description?: string;
  readonly aliases?: readonly string[];
  readonly hidden?: true;
  readonly children?: readonly IndexNode[];
  /** Gives the children instead, of a group at the top: words that lead elsewhere do not pay for them. */
  readonly open?: () => Promise<{ readonly default: readonly IndexNode[] }>;
  readonly load?: () => Promise<{ readonly default: AnyCommand }>;
  /** The help of the commands in its folder by their last word: what `load` would tell, without loading it. */
  readonly help?: () => Promise<{ readonly default: Readonly<Record<string, HelpPage>> }>;
  /** For a runnable group: its flags that take a value, so that words after them are told apart from children. */
  readonly valueFlags?: readonly string[];
}
