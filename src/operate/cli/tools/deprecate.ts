// `signalbox tools deprecate`: plans the end of a tool, at a running gateway or in the lock file. A gateway that reads the file tells callers of it, refuses the tool in
// its brownouts, and removes it on its day.
import { type Deprecation, dateText, earliestSunset, noticeDays } from '../../../core/call/deprecation.ts'
import { dateMs } from '../../../core/text/date.ts'
import { dayMs } from '../../../core/text/duration.ts'
import { forTerminal, jsonForTerminal } from '../../../core/text/terminal.ts'
import { deprecationOf, type LockedDeprecation, readToolName, withTool } from '../../../gateway/contracts/index.ts'
import { systemClock } from '../../../platform/clock/system-clock.ts'
import { postAdmin } from '../../client/admin-client.ts'
import { CannotTell } from '../../contracts/contracts.ts'
import { writeLock } from '../../contracts/lock-store.ts'
import type { ExitCode } from '../exit.ts'
import { toolsExit } from './exit.ts'
import { interruptible, lockOf, readingOptions, type SourceOptions } from './run.ts'

export interface DeprecateOptions extends SourceOptions {
  readonly from?: string
  readonly sunset?: string
  readonly replacement?: string
  readonly brownout?: readonly string[]
  readonly override?: boolean
  readonly off?: boolean
  readonly reason?: string
  /** Admin door of a running gateway, which takes the plan in place of the lock file. */
  readonly url?: string
  readonly lock?: string
  readonly json?: boolean
}

export function toolsDeprecate(name: string, options: DeprecateOptions, endNow: (code: ExitCode) => void): Promise<ExitCode> {
  return interruptible(endNow, async (signal) => {
    const whose = readToolName(name)
    if (whose === undefined) throw new CannotTell(`${name} names no tool: write server.tool`)
    const plan = options.off === true ? null : planOf(options)
    if (options.url !== undefined) return atGateway(options.url, whose, plan, options)
    if (options.reason !== undefined) throw new CannotTell('--reason is for a running gateway (--url), whose audit keeps it')
    const stored = await lockOf(options.lock, readingOptions(options, signal), false)
    const entry = stored.lock.servers.get(whose.server)?.tools.get(whose.tool)
    if (entry === undefined) throw new CannotTell(`${stored.label} has no tool ${name}: admit it with \`signalbox tools lock\``)
    const refusal = plan === null ? undefined : refusalOf(plan, entry.deprecated, options.override === true)
    if (refusal !== undefined) {
      process.stderr.write(`${forTerminal(refusal)}\nNothing was planned.\n`)
      return toolsExit.refused
    }
    writeLock(stored.path, withTool(stored.lock, whose.server, whose.tool, { ...entry, deprecated: plan }))
    return told(name, plan, { ...whose, deprecated: plan }, options.json)
  })
}

/** Taken back at a gateway, what its lock file plans holds again. */
function told(
  name: string,
  plan: LockedDeprecation | null,
  data: { readonly deprecated?: unknown; readonly deprecation?: unknown },
  json: boolean | undefined,
): ExitCode {
  const stays = data.deprecation === undefined || data.deprecation === null ? `${name} stays.` : `${name} ends as its lock file plans.`
  const text = plan === null ? stays : `${name} is deprecated from ${plan.from} on, and removed on ${plan.sunset}.`
  process.stdout.write(json === true ? `${jsonForTerminal(JSON.stringify(data))}\n` : `${forTerminal(text)}\n`)
  return toolsExit.ok
}

const waitMs = 30_000

/** The gateway knows who is pinned to the tool and uses it, and refuses by that. */
async function atGateway(
  url: string,
  { server, tool }: { readonly server: string; readonly tool: string },
  plan: LockedDeprecation | null,
  { override = false, reason, json }: DeprecateOptions,
): Promise<ExitCode> {
  if (plan !== null && plan.brownouts.length > 0) throw new CannotTell('a running gateway takes no --brownout: plan it in the lock file')
  const path = `/admin/v1/tools/${encodeURIComponent(server)}/${encodeURIComponent(tool)}/deprecate`
  const wanted = plan === null ? { cancel: true } : { from: plan.from, sunset: plan.sunset, replacement: plan.replacement ?? undefined }
  const answer = await postAdmin(url, path, { ...wanted, override, reason }, waitMs)
  if (typeof answer === 'string') throw new CannotTell(answer)
  const why = String(answer.body.detail ?? `the gateway answered with HTTP ${answer.status}`)
  if (answer.status === 409) {
    process.stderr.write(`${forTerminal(why)}\n`)
    return toolsExit.refused
  }
  if (answer.status !== 200) throw new CannotTell(why)
  return told(`${server}.${tool}`, plan, answer.body, json)
}

function planOf({ from, sunset, replacement, brownout = [] }: DeprecateOptions): LockedDeprecation {
  if (sunset === undefined) throw new CannotTell('--sunset says when the tool is removed; or take a plan back with --off')
  return {
    from: from === undefined ? dateText(Math.floor(systemClock.now() / dayMs) * dayMs) : dateIn('--from', from),
    sunset: dateIn('--sunset', sunset),
    replacement: replacement ?? null,
    brownouts: brownout.map(brownoutIn),
  }
}

function dateIn(option: string, text: string): string {
  if (dateMs(text) !== undefined) return text
  throw new CannotTell(`${option} takes a date, as 2027-03-01 or 2027-03-01T09:00Z`)
}

function brownoutIn(text: string): LockedDeprecation['brownouts'][number] {
  const found = /^(.+)\/(\d{1,4})m$/.exec(text)
  if (found === null) throw new CannotTell('--brownout takes when and how long, as 2027-02-01T09:00Z/30m')
  return { at: dateIn('--brownout', found[1] as string), minutes: Number(found[2]) }
}

/** A sentence where callers would be left too little. */
function refusalOf(locked: LockedDeprecation, before: LockedDeprecation | null, override: boolean): string | undefined {
  const plan: Deprecation = deprecationOf(locked)
  const { fromMs, sunsetMs = Number.POSITIVE_INFINITY } = plan
  if (sunsetMs <= fromMs) return 'it would be removed before it is deprecated'
  const outside = plan.brownouts.find(({ atMs, untilMs }) => atMs < fromMs || untilMs > sunsetMs)
  if (outside !== undefined) return `the brownout of ${dateText(outside.atMs)} is not between the two days`
  if (override) return undefined
  const told = before === null ? undefined : deprecationOf(before).sunsetMs
  if (told !== undefined) {
    if (sunsetMs >= told) return undefined
    return `callers were told that it is removed on ${dateText(told)}: choose a later day, or say --override`
  }
  const lacking = Math.ceil((earliestSunset(fromMs, systemClock.now()) - sunsetMs) / dayMs)
  if (lacking <= 0) return undefined
  const days = Math.max(0, noticeDays - lacking)
  return `callers would have ${days} days to move, and have ${noticeDays} at least: choose a later day, or say --override`
}
