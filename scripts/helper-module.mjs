// The quick answer of Docker's helper is bundled into one module, for Node and for executables alike: Docker starts it
// thousands of times, and each further module costs as much as the answer.

export const helperEntry = 'src/credential-helper.ts';
const rest = './credential-helper-rest.ts';

/** Leaves the rest of the helper out of the module, which imports it as `as` when it is needed. */
export const leaveRestOfHelper = (as = rest) => ({
  name: 'leave-rest-of-helper',
  resolveId: (source) => (source === rest ? { id: as, external: true } : undefined),
});
