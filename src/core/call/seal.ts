// Sealing: what leaves for a client and must come back unaltered. The key is the platform's; here are only the shapes.

/** Authenticated encryption bound to a purpose. */
export interface Sealer {
  /** Visible ASCII token. `purpose` is authenticated, not stored. */
  seal(plain: Uint8Array, purpose: string): string
  /** The plain bytes, or undefined where the token was altered, is of another purpose, or of an unknown key. */
  open(token: string, purpose: string): Uint8Array | undefined
}
