// Checks whether the registry gives the image to the login of chainctl.

import { formatReference, wantedOf } from '../api/oci-client.ts';
import { type Check, failure, ok, skip } from './check.ts';

export const image: Check = {
  name: 'image',
  purposes: ['docker'],
  async look({ image, openRegistry }) {
    if (image === undefined) return [skip('No image was named')];
    const name = formatReference(image);
    try {
      const { digest } = await openRegistry(image.registry).manifest(image.repository, wantedOf(image));
      return [ok(`The registry gives ${name}, which is ${digest}`)];
    } catch (error) {
      const found = failure(error);
      // Somebody may be allowed to see less than there is.
      return [{ ...found, message: `${name}: ${found.message}`, fix: found.fix ?? 'chainctl images list' }];
    }
  },
};
