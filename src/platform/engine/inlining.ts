// How far the JavaScript engine joins functions when it optimises them.
import { setFlagsFromString } from 'node:v8'

/**
 * Names of V8 options and what the gateway sets them to (bytes of bytecode; the defaults are 460 and 920). A call goes through many
 * small functions of ours and of the libraries; joined to larger ones it costs about 3 % less CPU (docs/performance.md).
 */
export const inlining: Readonly<Record<string, number>> = {
  'max-inlined-bytecode-size': 1_000,
  'max-inlined-bytecode-size-cumulative': 2_000,
}

/** For the whole process. V8 reads the values when it optimises a function, so early is better; unknown names are ignored. */
export function inlineMore(): void {
  for (const [name, bytes] of Object.entries(inlining)) setFlagsFromString(`--${name}=${bytes}`)
}
