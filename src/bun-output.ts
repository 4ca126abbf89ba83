// Standard output of an executable without node:fs, whose start takes Bun a fifth of the whole of `version`.

interface BunRuntime {
  readonly stdout: unknown;
  write(to: unknown, text: string): Promise<number>;
}

/** Resolves to whether all of it was written; why not is for somebody else to explain. Never rejects. */
export async function writesOut(text: string): Promise<boolean> {
  const { Bun } = globalThis as unknown as { readonly Bun: BunRuntime };
  try {
    return (await Bun.write(Bun.stdout, text)) === Buffer.byteLength(text);
  } catch {
    return false;
  }
}
