export type Trust =
  | { readonly kind: 'verified' }
  /** `reason` is a clause. */
  | { readonly kind: 'unknown' | 'forged'; readonly reason: string };
