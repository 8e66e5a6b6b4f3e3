// How the JavaScript engine is to work for a gateway, in place of how it works for any program.
import { setFlagsFromString } from 'node:v8'

/**
 * How far it joins functions when it optimises them: names of V8 options with bytes of bytecode (the defaults are 460 and 920). A call goes
 * through many small functions of ours and of the libraries; joined to larger ones it costs about 3 % less CPU (docs/performance.md).
 */
export const inlining: Readonly<Record<string, number>> = {
  'max-inlined-bytecode-size': 1_000,
  'max-inlined-bytecode-size-cumulative': 2_000,
}

/**
 * What is on by itself and is put off. Where many of the first objects of some place in the code lived through a collection, as all do while
 * the young generation is small still, V8 makes all later ones of that place old at once. What every call makes is then never collected young,
 * nor is what hangs on it: 8 KB a call (docs/performance.md#garbage).
 */
export const off: readonly string[] = ['allocation-site-pretenuring']

/** For the whole process. V8 reads the values when it optimises a function or collects, so early is better; unknown names are ignored. */
export function tuneEngine(): void {
  for (const [name, bytes] of Object.entries(inlining)) setFlagsFromString(`--${name}=${bytes}`)
  for (const name of off) setFlagsFromString(`--no-${name}`)
}
