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
}

export interface TaskIds {
  show(ref: TaskRef, principal: Principal): string
  /** Undefined for what is not ours, was altered, or belongs to somebody else. */
  open(visible: string, principal: Principal): TaskRef | undefined
}

export function taskIds(sealer: Sealer): TaskIds {
  return {
    show: ({ upstream, taskId, place }, principal) =>
      sealer.seal(Buffer.from(JSON.stringify(place === undefined ? [upstream, taskId] : [upstream, taskId, place])), purposeFor(principal)),
    open: (visible, principal) => {
      const plain = sealer.open(visible, purposeFor(principal))
      if (plain === undefined) return undefined
      const value: unknown = JSON.parse(Buffer.from(plain).toString('utf8'))
      if (!Array.isArray(value)) return undefined
      const [upstream, taskId, place] = value as unknown[]
      if (typeof upstream !== 'string' || typeof taskId !== 'string') return undefined
      return typeof place === 'string' ? { upstream, taskId, place } : { upstream, taskId }
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
