// Text to copy.

import { shellWord } from '../../shell-word.ts';

interface CopiedProps {
  readonly id: string;
  readonly label: string;
  readonly text: string;
  /** It is shown this once. */
  readonly secret?: boolean;
  /** It stands right below the title of the page. */
  readonly isFirst?: true;
}

/** A block of text with a button that copies it, where there are scripts. */
export function Copied({ id, label, text, secret, isFirst }: CopiedProps) {
  const Heading = isFirst ? 'h2' : 'h3';
  return (
    <div class="copied" data-secret={secret}>
      <div class="copied-head">
        <Heading id={`${id}-label`}>{label}</Heading>
        <button type="button" class="small" data-copy={id} hidden>
          Copy<span class="unseen"> {label}</span>
        </button>
        <span role="status" class="note" data-copied={id} />
      </div>
      <pre id={id}>
        <code>{text}</code>
      </pre>
    </div>
  );
}

/** The command that does the same. Words in capitals stand for what the form asks. */
export function SameCommand({ words }: { readonly words: readonly string[] }) {
  return (
    <details class="same">
      <summary>On the command line</summary>
      <Copied id="same-command" label="The same with chainctl" text={commandLine(words)} />
    </details>
  );
}

export function commandLine(words: readonly string[]): string {
  return ['chainctl', ...words].map((word) => (/^(--[\w-]+=)?[A-Z_]+$/.test(word) ? word : flagWord(word))).join(' ');
}

function flagWord(word: string): string {
  const [, flag, value] = /^(--[\w-]+=)(.*)$/s.exec(word) ?? [];
  return flag === undefined || value === undefined ? shellWord(word) : `${flag}${shellWord(value)}`;
}
