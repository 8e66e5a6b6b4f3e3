// Decisions that nobody keeps, and such that a test looks at.
import type { Decision, Decisions } from '../../src/core/ports/decisions.ts'

export const noDecisions: Decisions = { note: () => undefined }

export function keptDecisions(): Decisions & { readonly all: Decision[] } {
  const all: Decision[] = []
  return { all, note: (decision) => void all.push(decision) }
}
