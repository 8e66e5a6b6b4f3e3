// The arguments of a call of a tool, as its caller sent them.
import { locate } from '../protocol/locate.ts'
import type { Payload } from './payload.ts'

const path = ['arguments']

/** JSON that its door has checked; undefined where there are none. No pending edit is applied for it: none of the caller's hop is about them. */
export function argumentsIn(params: Payload | undefined): Uint8Array | undefined {
  return params === undefined ? undefined : locate(params.unedited, path)
}
