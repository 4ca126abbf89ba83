// What is written about images by whoever made them: a bill of materials, a readme. Nothing in it is believed.

import { marked } from 'marked';
import type { VNode } from 'preact';
import sanitize from 'sanitize-html';

export interface Package {
  readonly name: string;
  readonly version: string;
  readonly type: string;
  readonly license: string;
}

/** Packages of a bill of materials in SPDX or CycloneDX; undefined when it is neither. */
export function packagesOf(text: string): readonly Package[] | undefined {
  let document: Document;
  try {
    const read = JSON.parse(text) as Readonly<Record<string, unknown>> | null;
    const listed = (value: unknown) => (Array.isArray(value) ? value.filter((each) => each !== null) : undefined);
    document = { packages: listed(read?.['packages']), components: listed(read?.['components']) };
  } catch {
    return undefined;
  }
  const { packages, components } = document;
  if (packages !== undefined) {
    return packages.flatMap(({ name, versionInfo, licenseDeclared, externalRefs = [] }) =>
      packageOf(
        name,
        versionInfo,
        externalRefs.find(({ referenceType }) => referenceType === 'purl')?.referenceLocator,
        licenseDeclared,
      ),
    );
  }
  if (components === undefined) return undefined;
  return components.flatMap((each) => packageOf(each['name'], each['version'], each['purl'], undefined));
}

/** What names no package, the image itself for one, is left out. */
function packageOf(name: unknown, version: unknown, url: unknown, license: unknown): Package[] {
  const type = /^pkg:([\w.+-]+)\//.exec(String(url))?.[1];
  if (typeof name !== 'string' || type === undefined || type === 'oci') return [];
  const text = (value: unknown): string => (typeof value === 'string' && value !== 'NOASSERTION' ? value : '');
  return [{ name, version: text(version), type, license: text(license) }];
}

interface Document {
  readonly packages: readonly SpdxPackage[] | undefined;
  readonly components: readonly Readonly<Record<string, unknown>>[] | undefined;
}

interface SpdxPackage {
  readonly name?: string;
  readonly versionInfo?: string;
  readonly licenseDeclared?: string;
  readonly externalRefs?: readonly { readonly referenceType?: string; readonly referenceLocator?: string }[];
}

/** Headings begin below those of the page; links leave in a tab of their own; images, scripts and styles are left out. */
export async function readmeOf(markdown: string | undefined): Promise<VNode | undefined> {
  if (markdown === undefined || markdown.trim() === '') return undefined;
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
