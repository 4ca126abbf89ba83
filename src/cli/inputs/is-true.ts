/** Returns whether a boolean flag's text switches it on; a text that is no boolean does not. */
export const isTrue = (text: string | undefined): boolean => /^(1|t|T|true|TRUE|True)$/.test(text ?? '');
