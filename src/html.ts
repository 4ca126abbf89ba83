// HTML as text, for the pages that load nothing else. Guarantees: whatever stands in a page and is not HTML itself is
// escaped, in elements and in quoted attributes. The console has more to show and renders with preact.

/** A piece of HTML that needs no more escaping. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Content of HTML: pieces as they are, several one a line; text escaped; nothing for undefined. */
export type HtmlValue = string | Html | readonly Html[] | undefined;

/** Returns the HTML of a template, with its values escaped. Attributes need their quotes. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(strings.reduce((before, next, index) => before + textOf(values[index - 1]) + next));
}

/** Returns a constant of ours as it is, such as a style or a script: in those nothing may be escaped. */
export function trustedHtml(text: string): Html {
  return new Html(text);
}

function textOf(value: HtmlValue): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return value instanceof Html ? value.text : value.map(({ text }) => text).join('\n');
}
