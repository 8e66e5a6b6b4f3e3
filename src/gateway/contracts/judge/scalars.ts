// Numbers and texts to try: those at the edges of what a context says and of what a goal wants, and the values that either names.
import { lengthOf } from './evaluate.ts'
import type { Facts } from './facts.ts'
import { samplesOf } from './formats.ts'
import type { Node } from './graph.ts'
import { patternSamples } from './pattern-samples.ts'

export function numbers(facts: Facts, hints: readonly Node[]): number[] {
  const found = new Set<number>()
  const around = (value: number | undefined): void => {
    if (value === undefined || !Number.isFinite(value)) return
    for (const step of [0, 1, -1, 0.5, -0.5]) found.add(value + step)
  }
  around(facts.low.value)
  around(facts.high.value)
  for (const hint of hints) {
    for (const bound of [hint.minimum, hint.maximum, hint.exclusiveMinimum, hint.exclusiveMaximum]) around(bound)
    for (const value of hint.values ?? []) if (typeof value === 'number') around(value)
  }
  for (const value of [0, 1, -1, 0.5, 7, 1000, -1000, 2.25]) found.add(value)
  const multiples = [...facts.multiples, ...hints.flatMap((hint) => hint.multipleOf ?? [])]
  const bases = Number.isFinite(facts.low.value) ? facts.low.value : Number.isFinite(facts.high.value) ? facts.high.value : 0
  for (const of of multiples) {
    const first = Math.ceil(bases / of) * of
    for (const times of [-3, -2, -1, 0, 1, 2, 3, 5, 7]) found.add(first + of * times)
  }
  if (multiples.length > 1) found.add(multiples.reduce((product, one) => product * one, 1))
  return [...found].map((value) => (value === 0 ? 0 : value))
}

const longest = 5_000

export function strings(facts: Facts, hints: readonly Node[]): string[] {
  const found = new Set<string>()
  for (const hint of hints) for (const value of hint.values ?? []) if (typeof value === 'string') found.add(value)
  for (const pattern of [...facts.patterns, ...hints.flatMap((hint) => hint.pattern ?? [])]) {
    for (const text of patternSamples(pattern)) found.add(text)
  }
  for (const format of [...facts.formats, ...hints.flatMap((hint) => hint.format ?? [])]) {
    for (const text of samplesOf(format)) found.add(text)
  }
  const lengths = new Set<number>([0, 1, 3, facts.minLength, facts.minLength + 1, facts.maxLength])
  for (const hint of hints) {
    if (hint.minLength !== undefined) lengths.add(hint.minLength - 1).add(hint.minLength)
    if (hint.maxLength !== undefined) lengths.add(hint.maxLength + 1).add(hint.maxLength)
  }
  const wanted = [...lengths].filter((length) => length >= facts.minLength && length <= facts.maxLength && length <= longest)
  for (const text of [...found]) {
    // Longer ones that may still match.
    for (const length of wanted)
      if (text !== '' && lengthOf(text) < length) found.add(text + text.slice(-1).repeat(length - lengthOf(text)))
  }
  for (const length of wanted) for (const char of ['a', '0', ' ', 'Z']) found.add(char.repeat(length))
  found.add('a-b_c.d')
  return [...found].filter((text) => text.length >= facts.minLength && lengthOf(text) <= facts.maxLength)
}
