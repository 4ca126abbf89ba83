import { expect, test } from 'vitest';
import { html, trustedHtml } from '../../src/html.ts';

const hostile = `<b id="x" class='y'>&`;
const escaped = '&#60;b id=&#34;x&#34; class=&#39;y&#39;&#62;&#38;';

test('text is escaped in elements and in attributes', () => {
  expect(html`<p title="${hostile}">${hostile}</p>`.text).toBe(`<p title="${escaped}">${escaped}</p>`);
});

test('what is HTML already is escaped once, however deep it stands', () => {
  const inner = html`<li>${hostile}</li>`;
  expect(html`<ul>${[inner, html`<li>two</li>`]}</ul>`.text).toBe(`<ul><li>${escaped}</li>\n<li>two</li></ul>`);
  expect(html`<main>${html`<ol>${inner}</ol>`}</main>`.text).toBe(`<main><ol><li>${escaped}</li></ol></main>`);
});

test('nothing stands for undefined and for an empty list', () => {
  expect(html`<p>${undefined}${[]}</p>`.text).toBe('<p></p>');
});

test('constants of ours stand as they are', () => {
  expect(html`<style>${trustedHtml('a > b { content: "&" }')}</style>`.text).toBe(
    '<style>a > b { content: "&" }</style>',
  );
});

test('a text that only looks like HTML is no HTML', () => {
  // What came from JSON has the member that a piece has, and is still refused by the types; here it must not pass either.
  const forged = JSON.parse('{"text": "<script>"}');
  expect(() => html`<p>${forged}</p>`).toThrow(TypeError);
});
