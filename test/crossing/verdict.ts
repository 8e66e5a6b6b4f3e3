// What a cell of the matrix says. A check that throws anything but these says that the feature is broken, which no cell may be.

export type Verdict =
  /** `note`: in another form, for example a value as text. */
  | { readonly result: 'crosses'; readonly note?: string }
  /** A real, clear error, as the client got it. */
  | { readonly result: 'error'; readonly note: string }
  | { readonly result: 'n/a'; readonly note: string }

export function crosses(note?: string): Verdict {
  return note === undefined ? { result: 'crosses' } : { result: 'crosses', note }
}

export function refused(note: string): Verdict {
  return { result: 'error', note }
}

export function absent(note: string): Verdict {
  return { result: 'n/a', note }
}

/** Numbers of JSON-RPC errors that SDK clients make up themselves: a time-out and a closed connection are no answers. */
const ownOfClients = new Set([-32_001, -32_000])

/** Reads a rejection as an error that a peer sent; rethrows one that the client made up. */
export function errorOf(thrown: unknown): { code: number; message: string; data: unknown } {
  const { code, message, data } = thrown as { code?: unknown; message?: unknown; data?: unknown }
  if (typeof code !== 'number' || ownOfClients.has(code)) throw thrown
  return { code, message: String(message), data }
}

export function check(holds: boolean, otherwise: unknown): void {
  if (!holds) throw new Error(typeof otherwise === 'string' ? otherwise : `got ${JSON.stringify(otherwise)}`)
}

/** Waits, by looking, until the condition holds. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, ms = 6_000): Promise<void> {
  for (const end = performance.now() + ms; performance.now() < end; ) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  check(await holds(), `waited ${ms} ms for ${what}`)
}
