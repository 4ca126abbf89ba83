/** A reason against an image that is not about its signatures themselves: a key, a trust root or a program is missing. */
export class Refusal extends Error {}
