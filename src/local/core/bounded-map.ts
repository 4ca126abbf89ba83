/** Values by text. Guarantees: the keys together are no longer than `maxCharacters`; what was put in first goes first. */
export class BoundedMap<Value> {
  readonly #values = new Map<string, Value>();
  readonly #mostCharacters: number;
  #characters = 0;

  constructor(mostCharacters: number) {
    this.#mostCharacters = mostCharacters;
  }

  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  /** Keeps nothing whose key alone is too long. */
  set(key: string, value: Value): void {
    if (key.length > this.#mostCharacters) return;
    if (!this.#values.has(key)) this.#characters += key.length;
    this.#values.set(key, value);
    for (const oldest of this.#values.keys()) {
      if (this.#characters <= this.#mostCharacters) return;
      this.#values.delete(oldest);
      this.#characters -= oldest.length;
    }
  }
}
