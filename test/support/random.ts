import { randomInt } from 'node:crypto';

/** Reproducible randomness: the same seed makes the same choices. */
export interface Random {
  readonly seed: number;
  /** From 0 up to but without `end`. */
  below(end: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** A subset, each item with this probability, in order. */
  some<T>(from: readonly T[], probability: number): T[];
}

/** Mulberry32: small, and good enough to choose test cases with. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (end: number): number => Math.floor(next() * end);
  return {
    seed,
    below,
    chance: (probability) => next() < probability,
    pick: (from) => {
      const item = from[below(from.length)];
      if (item === undefined) throw new RangeError('there is nothing to pick from');
      return item;
    },
    some: (from, probability) => from.filter(() => next() < probability),
  };
}

/**
 * Runs a property for fresh seeds, or for the one in CHAINCTL_TEST_SEED alone. A failure names its seed.
 */
export async function forSeeds(count: number, property: (random: Random) => Promise<void> | void): Promise<void> {
  const given = process.env['CHAINCTL_TEST_SEED'];
  const seeds = given === undefined ? Array.from({ length: count }, () => randomInt(2 ** 31)) : [Number(given)];
  for (const seed of seeds) {
    try {
      await property(createRandom(seed));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`with CHAINCTL_TEST_SEED=${seed}: ${reason}`, { cause: error });
    }
  }
}
