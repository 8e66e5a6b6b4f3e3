// Task ids as clients see them (tasks extension, SEP-2663): sealed, so that they name their upstream, belong to one principal and cannot be
// made up. The upstream only ever sees its own id.

import type { UpstreamId } from '../../core/call/call.ts'
import { type Principal, principalKey } from '../../core/call/principal.ts'
import type { Sealer } from '../../core/call/seal.ts'
import { isObject } from '../../core/protocol/is-object.ts'

export interface TaskRef {
  readonly upstream: UpstreamId
  /** The upstream's own id. */
  readonly taskId: string
  /** The endpoint of the upstream that has it, of several. */
  readonly place?: string | undefined
  /** The upstream's own name of the tool that made it; ids of before do not have it. */
  readonly tool?: string | undefined
  /** A number of the arguments, where the outcome had one. */
  readonly asked?: number | undefined
}

export interface TaskIds {
  show(ref: TaskRef, principal: Principal): string
  /** Undefined for what is not ours, was altered, or belongs to somebody else. */
  open(visible: string, principal: Principal): TaskRef | undefined
}

export function taskIds(sealer: Sealer): TaskIds {
  return {
    show: ({ upstream, taskId, place, tool, asked }, principal) =>
      sealer.seal(Buffer.from(JSON.stringify([upstream, taskId, place, tool, asked])), purposeFor(principal)),
    open: (visible, principal) => {
      const plain = sealer.open(visible, purposeFor(principal))
      if (plain === undefined) return undefined
      const value: unknown = JSON.parse(Buffer.from(plain).toString('utf8'))
      if (!Array.isArray(value)) return undefined
      const [upstream, taskId, place, tool, asked] = value as unknown[]
      if (typeof upstream !== 'string' || typeof taskId !== 'string') return undefined
      return {
        upstream,
        taskId,
        place: typeof place === 'string' ? place : undefined,
        tool: typeof tool === 'string' ? tool : undefined,
        asked: typeof asked === 'number' ? asked : undefined,
      }
    },
  }
}

function purposeFor(principal: Principal): string {
  return `task ${principalKey(principal)}`
}

/** Whether a client declared the tasks extension among its capabilities. */
export function declares(extensions: unknown, extension: string): boolean {
  return isObject(extensions) && isObject(extensions[extension])
}
