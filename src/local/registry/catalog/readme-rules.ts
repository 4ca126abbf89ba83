// Checks a readme (semantics 2, readme): Markdown whose HTML a sanitiser for user content would leave alone.
// Guarantees: no script, no style, no handler, no frame and no URL but http, https, mailto and relative ones gets
// through, outside code; inside code anything does, because it is shown and not run.

import { invalidArgument } from '../../core/failures.ts';

const elements: ReadonlySet<string> = new Set(
  (
    'a abbr acronym area article aside b bdi bdo blockquote br caption cite code col colgroup dd del details dfn div dl ' +
    'dt em figcaption figure h1 h2 h3 h4 h5 h6 hgroup hr i img ins kbd li map mark meter ol p pre progress q rp rt ruby ' +
    's samp section small span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr'
  ).split(' '),
);
const attributesOfAll: ReadonlySet<string> = new Set(['dir', 'lang', 'id', 'title']);
const attributes: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  area: ['alt', 'coords', 'href', 'rel', 'shape', 'usemap'],
  bdi: ['dir'],
  blockquote: ['cite'],
  code: ['class'],
  col: ['align', 'height', 'span', 'valign', 'width'],
  colgroup: ['align', 'height', 'span', 'valign', 'width'],
  del: ['cite', 'datetime'],
  details: ['open'],
  img: ['align', 'alt', 'height', 'src', 'usemap', 'width'],
  ins: ['cite', 'datetime'],
  li: ['type', 'value'],
  map: ['name'],
  meter: ['high', 'low', 'max', 'min', 'optimum', 'value'],
  ol: ['type'],
  progress: ['max', 'value'],
  q: ['cite'],
  table: ['align', 'height', 'summary', 'width'],
  td: ['abbr', 'align', 'colspan', 'headers', 'height', 'nowrap', 'rowspan', 'valign', 'width'],
  th: ['abbr', 'align', 'colspan', 'headers', 'height', 'nowrap', 'rowspan', 'scope', 'valign', 'width'],
  time: ['datetime'],
  tr: ['align', 'valign'],
  ul: ['type'],
};
const urls: ReadonlySet<string> = new Set(['href', 'src', 'cite']);

/** Throws INVALID_ARGUMENT; the text itself otherwise. */
export function checkReadme(text: string): string {
  const shown = withoutCode(text);
  for (const [tag, name = '', rest = ''] of shown.matchAll(
    /<\s*\/?\s*([a-zA-Z][a-zA-Z0-9:-]*)((?:"[^"]*"|'[^']*'|[^>"'])*)>?/g,
  )) {
    // `<https://…>` and `<me@…>` are links in Markdown, not elements.
    if (/^<(?:https?:\/\/|mailto:)[^\s<>]*>$/i.test(tag) || /^<[^\s<>@]+@[^\s<>@]+>$/.test(tag)) continue;
    if (/^<[a-z][a-z0-9+.-]*:/i.test(tag)) throw unsafe(`the link ${quote(tag)}`);
    const element = name.toLowerCase();
    if (!elements.has(element)) throw unsafe(`the element ${quote(element)}`);
    checkAttributes(element, rest);
  }
  // [text](target), ![text](target) and [label]: target
  for (const [, target = ''] of shown.matchAll(/\]\(\s*<?([^\s)>]+)/g)) checkUrl(target);
  for (const [, target = ''] of shown.matchAll(/^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)/gm)) checkUrl(target);
  return text;
}

/** Fenced blocks, code spans and comments taken out. What a fence does not close runs to the end. */
function withoutCode(text: string): string {
  const kept: string[] = [];
  let fence: string | undefined;
  for (const line of text.split('\n')) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence === undefined && mark !== undefined) fence = mark;
    else if (fence !== undefined) {
      if (mark?.startsWith(fence) === true && /^ {0,3}(?:`+|~+)\s*$/.test(line)) fence = undefined;
    } else kept.push(line);
  }
  return withoutSpans(kept.join('\n').replace(/<!--[\s\S]*?-->/g, ''));
}

/** A code span ends at the next run of as many backticks as it began with; a run without a partner is just text. */
function withoutSpans(text: string): string {
  const runs = [...text.matchAll(/`+/g)].map((match) => ({ start: match.index, length: match[0].length }));
  const later = new Map<number, number[]>();
  for (const { start, length } of [...runs].reverse()) {
    const places = later.get(length);
    if (places === undefined) later.set(length, [start]);
    else places.push(start);
  }
  let shown = '';
  let end = 0;
  for (const { start, length } of runs) {
    const places = later.get(length) ?? [];
    places.pop();
    if (start < end) continue;
    const close = places.at(-1);
    if (close === undefined) continue;
    shown += text.slice(end, start);
    end = close + length;
  }
  return shown + text.slice(end);
}

function checkAttributes(element: string, text: string): void {
  const pattern = /([^\s=/"'>]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g;
  for (const [, name = '', double, single, bare] of text.matchAll(pattern)) {
    const attribute = name.toLowerCase();
    const allowed = attributesOfAll.has(attribute) || attributes[element]?.includes(attribute) === true;
    if (!allowed) throw unsafe(`the attribute ${quote(attribute)} of ${quote(element)}`);
    const value = double ?? single ?? bare ?? '';
    if (urls.has(attribute)) checkUrl(value);
    if (element === 'code' && attribute === 'class' && !/^language-[a-zA-Z0-9]+$/.test(value)) {
      throw unsafe(`the class ${quote(value)} of "code"`);
    }
  }
}

function checkUrl(text: string): void {
  // Entities and control characters are what hides a scheme from a plain look.
  const plain = decodeEntities(text).replace(/[\x00-\x20]/g, '');
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(plain)?.[1]?.toLowerCase();
  if (scheme !== undefined && !['http', 'https', 'mailto'].includes(scheme)) throw unsafe(`the link ${quote(text)}`);
}

function decodeEntities(text: string): string {
  return text
    .replace(/&#(?:x([0-9a-f]{1,6})|([0-9]{1,7}));?/gi, (_, hex: string | undefined, decimal: string | undefined) => {
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : '';
    })
    .replace(/&(colon|tab|newline|amp);?/gi, (_, name: string) => {
      return { colon: ':', tab: '\t', newline: '\n', amp: '&' }[name.toLowerCase()] ?? '';
    });
}

function unsafe(what: string): Error {
  return invalidArgument(`readme contains unsafe HTML: ${what}`);
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
