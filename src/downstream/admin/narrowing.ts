// How lists that look back are narrowed: by time, and by who and what.
import { z } from 'zod'
import { momentIn, noMoment } from '../../core/text/moment.ts'
import { Problem } from './problem.ts'

const time = z.string().max(64).optional()
const name = z.string().max(512).optional()

export const narrowing = z.object({
  from: time.describe('A time in ISO 8601, or a duration such as `2h`: so long ago.'),
  to: time.describe('As `from`.'),
  principal: name.describe('Subject.'),
  tool: name.describe('`server` or `server/name`.'),
  team: name,
  client: name.describe('Name of the client program.'),
})

export interface Narrowed {
  /** Ms since the epoch. */
  readonly fromMs: number | undefined
  readonly toMs: number | undefined
  readonly principal: string | undefined
  readonly tool: string | undefined
  readonly team: string | undefined
  readonly client: string | undefined
}

/** Throws a `Problem` of a time that is none. */
export function narrowed({ from, to, principal, tool, team, client }: z.infer<typeof narrowing>, nowMs: number): Narrowed {
  return { fromMs: timeOf('from', from, nowMs), toMs: timeOf('to', to, nowMs), principal, tool, team, client }
}

export function badParameter(parameter: string, detail: string): Problem {
  return new Problem(400, 'Bad request', `${parameter} ${detail}.`, { members: { errors: [{ parameter, detail }] } })
}

function timeOf(parameter: string, text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined
  const at = momentIn(text, nowMs)
  if (at === undefined) throw badParameter(parameter, `is ${noMoment}`)
  return at
}
