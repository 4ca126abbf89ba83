import type { Inputs } from '../../../../cli/define.ts';
import { named, string, strings } from '../../../../cli/inputs/values.ts';
import { parentInput } from '../repo-changes.ts';

export const buildParent = {
  ...parentInput,
  help: 'Organization or folder that holds the repositories.',
  question: 'Which organization holds the repositories?',
} as const;

/** Sources of the configuration. */
export const overlayInputs = {
  file: {
    kind: named('FILE'),
    short: 'f',
    help: 'Configuration in YAML or JSON; takes the place of the present one.',
  },
  withCertificates: {
    kind: strings('FILE'),
    many: true,
    help: 'PEM file with certificates that the images trust as well.',
  },
  withRuntimeKeys: {
    kind: strings('FILE'),
    many: true,
    help: 'PEM file with a public key that packages are checked with inside the images.',
  },
  withRuntimeRepositories: {
    kind: strings('URL'),
    many: true,
    help: 'Package repository that the images use when they run.',
  },
  saveAs: {
    kind: string,
    help: 'Leave the repository as it is and make a new one of this name, filled from the same source.',
  },
} as const satisfies Inputs;
