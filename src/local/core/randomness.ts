import { randomBytes } from 'node:crypto';

const drawn = 4096;

/** Returns `randomBytes` for small amounts, which draws many at once: a call takes as long for 16 bytes as for a thousand. */
export function createRandomness(): (count: number) => Uint8Array {
  let pool = Buffer.alloc(0);
  let used = 0;
  return (count) => {
    if (count > drawn / 16) return randomBytes(count);
    if (used + count > pool.length) {
      pool = randomBytes(drawn);
      used = 0;
    }
    const bytes = Buffer.from(pool.subarray(used, used + count));
    // What was given out may be a secret, and has no second copy here.
    pool.fill(0, used, used + count);
    used += count;
    return bytes;
  };
}
