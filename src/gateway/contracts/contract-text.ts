// A definition as it is kept, and what tells one from another.
import type { Digests, ToolContract } from '../../core/call/contract.ts'
import type { Payload } from '../../core/call/payload.ts'
import { asBuffer } from '../../core/protocol/scan.ts'

/** A definition, with its digests once somebody has read it. */
export interface ContractText {
  sent: Payload
  digests: Digests | undefined
}

/** Said of a contract that nobody has read yet. */
export const unread: Digests = { contract: 'c1:', hints: 'h1:', prose: 'p1:', exact: 'x1:' }

/** Equal for contracts of which nothing that matters differs. */
export function idOf(digests: Pick<Digests, 'contract' | 'hints' | 'prose'> | undefined): string | undefined {
  return digests === undefined ? undefined : `${digests.contract} ${digests.hints} ${digests.prose}`
}

/** Parsed anew each time: values of thousands of definitions would stay in memory. */
export function contractOf({ bytes }: Payload): ToolContract {
  return JSON.parse(asBuffer(bytes).toString('utf8')) as ToolContract
}
