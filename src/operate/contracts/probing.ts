// One server in two environments: the same declared calls made in both, and where what they give differs.
import type { Upstream } from '../../core/ports/upstream.ts'
import { effectiveHints } from '../../gateway/contracts/index.ts'
import { callTool, type Given } from './calling.ts'
import { CannotTell, type ServerContracts } from './contracts.ts'
import { type Difference, shapeDifferences, valueDifferences } from './shape.ts'

export interface ProbeCall {
  readonly tool: string
  readonly arguments: Readonly<Record<string, unknown>>
}

export interface ProbedCall extends ProbeCall {
  /** `only`: it works in one environment alone; `untold`: in neither, or it asks something. */
  readonly verdict: 'same' | 'values' | 'shape' | 'only' | 'untold'
  readonly shapes: readonly Difference[]
  readonly values: readonly Difference[]
  /** How it ended where it gave no result. */
  readonly from?: string
  readonly to?: string
}

/** Throws `CannotTell` where a tool is not there, or may write and that was not allowed. */
export function admitCalls(calls: readonly ProbeCall[], sides: readonly ServerContracts[], allowWrites: boolean): void {
  const wrong = [...new Set(calls.map(({ tool }) => tool))].flatMap((tool) => {
    const found = sides.map((side) => side.tools.get(tool))
    if (found.every((one) => one === undefined)) return [`there is no tool ${tool}`]
    const reads = found.every((one) => one === undefined || effectiveHints(one).readOnly)
    return reads || allowWrites ? [] : [`${tool} does not say that it only reads (readOnlyHint): it is called with --allow-writes alone`]
  })
  if (wrong.length > 0) throw new CannotTell(`${wrong.join('\n')}\nNothing was called.`)
}

/** One after the other, in both environments at a time. */
export async function probeCalls(
  calls: readonly ProbeCall[],
  from: Upstream,
  to: Upstream,
  signal: AbortSignal,
): Promise<readonly ProbedCall[]> {
  const probed: ProbedCall[] = []
  for (const call of calls) {
    if (signal.aborted) break
    const [before, after] = await Promise.all([from, to].map((upstream) => callTool(upstream, call.tool, call.arguments, signal)))
    if (before !== undefined && after !== undefined) probed.push({ ...call, ...compared(before, after) })
  }
  return probed
}

function compared(from: Given, to: Given): Omit<ProbedCall, keyof ProbeCall> {
  if (from.kind === 'result' && to.kind === 'result') {
    const shapes = shapeDifferences(from.value, to.value)
    const values = valueDifferences(from.value, to.value)
    return { verdict: shapes.length > 0 ? 'shape' : values.length > 0 ? 'values' : 'same', shapes, values }
  }
  const told = { ...(from.kind === 'result' ? {} : { from: from.text }), ...(to.kind === 'result' ? {} : { to: to.text }) }
  const asks = from.kind === 'asks' || to.kind === 'asks'
  return { verdict: asks || from.kind === to.kind ? 'untold' : 'only', shapes: [], values: [], ...told }
}
