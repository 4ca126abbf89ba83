// Style shared by all our pages: the sign-in pages, the page after a login and the console.

/**
 * Colors for light and dark, as variables of CSS. Text on each background has a contrast of 4.5 : 1, edges of 3 : 1.
 */
export const palette = `
:root {
  color-scheme: light dark;
  --page: #eef1f6; --card: #fff; --text: #1b2333; --quiet: #525d73; --line: #d5dbe6; --edge: #8189a0;
  --hover: #f4f6fb; --accent: #3a4fd0; --on-accent: #fff; --accent-hover: #2c3eb0; --tint: #e4e8fb; --bad: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12151d; --card: #1b202c; --text: #e8ebf2; --quiet: #a5aec0; --line: #343c4e; --edge: #6f7b95;
    --hover: #242b3a; --accent: #9aa9ff; --on-accent: #141a33; --accent-hover: #b4bfff; --tint: #2b3350; --bad: #ffb4ab;
  }
}
`;

/** One card in the middle of the page, for what is done in one step. */
export const card = `${palette}
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; padding: 2rem 1rem; display: flex; align-items: center; justify-content: center;
  background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif;
}
main {
  width: 100%; max-width: 28rem; padding: 2rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 1rem; box-shadow: 0 1px 2px rgb(0 0 0 / .06), 0 12px 32px rgb(0 0 0 / .08);
}
.brand { margin: 0 0 1.25rem; color: var(--quiet); font-size: .875rem; }
.brand b { color: var(--accent); }
h1 { margin: 0 0 .5rem; font-size: 1.625rem; line-height: 1.2; letter-spacing: -.01em; }
p { margin: 0 0 .75rem; }
p, dd, strong, small { overflow-wrap: anywhere; }
.note { margin: .5rem 0 0; color: var(--quiet); font-size: .875rem; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
@media (max-width: 24rem) {
  body { padding: 0; align-items: stretch; }
  main { padding: 1.5rem 1rem; border: 0; border-radius: 0; }
}
`;
