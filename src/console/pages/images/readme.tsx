// The readme of an image, as whoever made it wrote it. Nothing in it is believed.

import type { VNode } from 'preact';

/** Headings begin below those of the page; links leave in a tab of their own; images, scripts and styles are left out. */
export async function readmeOf(markdown: string | undefined): Promise<VNode | undefined> {
  if (markdown === undefined || markdown.trim() === '') return undefined;
  // Loaded only for this: with them, the console's first page would take noticeably longer.
  const [{ marked }, { default: sanitize }] = await Promise.all([import('marked'), import('sanitize-html')]);
  const html = sanitize(await marked.parse(markdown.slice(0, 200_000), { gfm: true }), {
    allowedTags: [
      ...['h3', 'h4', 'h5', 'p', 'a', 'ul', 'ol', 'li', 'code', 'pre', 'blockquote', 'strong', 'em', 'del', 'hr', 'br'],
      ...['table', 'thead', 'tbody', 'tr', 'th', 'td'],
    ],
    allowedAttributes: { a: ['href', 'rel', 'target'] },
    allowedSchemes: ['https', 'http'],
    allowProtocolRelative: false,
    transformTags: {
      h1: 'h3',
      h2: 'h3',
      h3: 'h4',
      h4: 'h5',
      h5: 'h5',
      h6: 'h5',
      a: (tagName, { href = '' }) => ({
        tagName,
        attribs: /^https?:\/\//.test(href) ? { href, rel: 'noopener noreferrer', target: '_blank' } : {},
      }),
    },
  });
  return <div dangerouslySetInnerHTML={{ __html: html }} />;
}
