// A registry of contracts with a clock that is turned by hand, and a judge that judges at once.
import type { Judgement, ToolContract } from '../../../src/core/call/contract.ts'
import { payloadOf } from '../../../src/core/call/payload.ts'
import type { ContractJudge, JudgeOptions } from '../../../src/core/ports/contract-judge.ts'
import type { ListedTool, Ruled } from '../../../src/core/ports/contracts.ts'
import type { Decision } from '../../../src/core/ports/decisions.ts'
import type { Durable } from '../../../src/core/ports/durable.ts'
import { createHistory } from '../../../src/gateway/contracts/history.ts'
import { judge } from '../../../src/gateway/contracts/judge/judge.ts'
import { answerTo } from '../../../src/gateway/contracts/judge/judging.ts'
import { Operators } from '../../../src/gateway/contracts/operators.ts'
import { Registry } from '../../../src/gateway/contracts/registry.ts'
import type { Governance, RegistryParts } from '../../../src/gateway/contracts/served.ts'
import { gateSchema } from '../../../src/gateway/policy/schema-gate.ts'
import { ManualClock } from '../manual-clock.ts'
import { quiet } from './catalog-rig.ts'

export interface CountingJudge extends ContractJudge {
  /** Names of the tools whose changes were judged; looks at one definition alone are left out. */
  readonly judged: string[]
  /** Stands in place of the judge. */
  instead: ((old: ToolContract, now: ToolContract) => Judgement) | undefined
}

export function inlineJudge(): CountingJudge {
  const made: CountingJudge = {
    judged: [],
    instead: undefined,
    judge: async (old, now, options) => {
      if (old !== now) made.judged.push(String(now.name))
      return made.instead?.(old, now) ?? answered(old, now, options)
    },
    close: async () => undefined,
  }
  return made
}

function answered(old: ToolContract, now: ToolContract, options: JudgeOptions = {}): Judgement {
  const said = answerTo({ old, now, options }, judge)
  if ('judgement' in said) return said.judgement
  throw new Error(JSON.stringify(said))
}

export interface RegistryRig {
  readonly registry: Registry
  readonly operators: Operators
  readonly clock: ManualClock
  readonly judge: CountingJudge
  readonly logged: string[]
  readonly counted: Record<string, number>
  readonly audited: Decision[]
  readonly told: string[]
  /** Lists these tools; those that are unchanged since the last list are the same objects. */
  list(tools: readonly ToolContract[], session?: boolean): Promise<Ruled>
}

export function registryRig(
  parts: Partial<RegistryParts> & { readonly governance?: Partial<Governance>; readonly durable?: Durable } = {},
): RegistryRig {
  const { governance, durable, ...more } = parts
  const clock = (more.clock as ManualClock | undefined) ?? new ManualClock()
  const judging = inlineJudge()
  const logged: string[] = []
  const counted: Record<string, number> = {}
  const audited: Decision[] = []
  const report = {
    log: (_severity: string, event: string, fields?: Readonly<Record<string, unknown>>) =>
      void logged.push(`${event} ${JSON.stringify(fields ?? {})}`),
    counters: {
      add: (name: string, labels: Readonly<Record<string, string>>, by = 1) => {
        const key = [name, ...Object.values(labels)].join(' ')
        counted[key] = (counted[key] ?? 0) + by
      },
    },
  }
  const history = durable === undefined ? undefined : createHistory(durable, clock, report)
  const registry = new Registry({
    servers: new Map([['up', { admit: 'firstUse', owner: undefined, environment: 'default', addresses: [], ...governance }]]),
    drift: { breaking: 'hold', additive: 'adopt', prose: 'screen' },
    reading: 'declared',
    judge: judging,
    screen: () => ({ held: [], notes: [] }),
    compile: gateSchema,
    locked: undefined,
    accepts: undefined,
    history,
    clock,
    report,
    decisions: { note: (decision) => void audited.push(decision) },
    ...more,
  })
  const told: string[] = []
  registry.onChange((upstream) => void told.push(upstream))
  const last = new Map<string, ListedTool>()
  return {
    registry,
    operators: new Operators(registry, history, () => clock.now()),
    clock,
    judge: judging,
    logged,
    counted,
    audited,
    told,
    list: async (tools, session = false) => {
      const listed = tools.map((tool): ListedTool => {
        const text = JSON.stringify(tool)
        const known = last.get(text)
        if (known !== undefined) return known
        const made = { name: String(tool.name), sent: payloadOf(tool) }
        last.set(text, made)
        return made
      })
      const ruled = await registry.rule('up', listed, session)
      ruled.inForce()
      await quiet()
      return ruled
    },
  }
}

export function toolOf(
  name: string,
  properties: Record<string, unknown> = { text: { type: 'string' } },
  more: Record<string, unknown> = {},
): ToolContract {
  return { name, description: `The tool ${name}`, inputSchema: { type: 'object', properties, required: Object.keys(properties) }, ...more }
}

export function stateOf({ operators }: RegistryRig, tool = 'echo'): string | undefined {
  return operators.find('up', tool)?.state
}
