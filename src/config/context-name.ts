/** Names every context can have: no dot, so that they fit into the name of a property, and nothing a folder cannot have. */
export const isContextName = (text: string): boolean => /^[A-Za-z][A-Za-z0-9_-]{0,62}$/.test(text);
