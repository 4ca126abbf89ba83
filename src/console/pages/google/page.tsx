// Page to which Google sends a person back who signed in there from a page of ours.

import { definePage } from '../../page.ts';
import { finishSignIn } from '../cloud-accounts/google/client.ts';

export default definePage({
  path: 'google',
  title: 'Sign-in at Google',
  isOfAccount: true,
  actions: {
    '': {
      async show(visit) {
        if (visit.query.has('state')) return { to: await finishSignIn(visit) };
        return { body: <p>Google leads here after a sign-in. It begins in Settings, Cloud accounts.</p> };
      },
    },
  },
});
