// What is told by events and not by a state (a bug was caught, rows were lost): it stands for a while after the last of them.
import type { CounterName, Counters } from '../../core/ports/report.ts'
import { type Condition, keyOf } from './condition.ts'
import type { AlertKind } from './kinds.ts'

const minuteMs = 60_000
const most = 500

interface Held {
  condition: Condition
  count: number
  untilMs: number
}

export class HeldEvents {
  private readonly held = new Map<string, Held>()
  private readonly now: () => number

  constructor(now: () => number) {
    this.now = now
  }

  /** It stands for `forMs` from now. `text` may say `{count}`: how often it came while it stands. */
  note(condition: Condition, forMs: number): void {
    const key = keyOf(condition)
    const untilMs = this.now() + forMs
    const known = this.held.get(key)
    if (known !== undefined) {
      known.count += 1
      known.untilMs = untilMs
      known.condition = { ...condition, firstCall: known.condition.firstCall ?? condition.firstCall }
    } else if (this.held.size < most || this.forget() < most) this.held.set(key, { condition, count: 1, untilMs })
  }

  standing(): readonly Condition[] {
    this.forget()
    return [...this.held.values()].map(({ condition, count }) => ({ ...condition, text: condition.text.replace('{count}', String(count)) }))
  }

  private forget(): number {
    const now = this.now()
    for (const [key, { untilMs }] of this.held) if (untilMs <= now) this.held.delete(key)
    return this.held.size
  }
}

/** Counters of which a step is told. Undefined labels: whatever they are. */
const watched: Partial<Record<CounterName, (labels: Readonly<Record<string, string>>) => Condition | undefined>> = {
  bugs: ({ source }) => ({ kind: 'bug', part: source, text: `A bug was caught (${source}), {count} times` }),
  audit_rows_lost: () => ({ kind: 'audit_lost', text: '{count} rows of the audit were lost' }),
  budget_usage_lost: () => ({ kind: 'usage_lost', text: 'What was used of budgets could not be kept, {count} times' }),
  run_usage_lost: () => ({ kind: 'usage_lost', part: 'runs', text: 'What runs used could not be kept, {count} times' }),
  tool_usage_lost: () => ({
    kind: 'usage_lost',
    part: 'tools',
    text: 'Calls of tools could not be counted for their caller, {count} times',
  }),
  credential_renewals: ({ upstream, outcome }) =>
    outcome === 'refused'
      ? {
          kind: 'credential_refused' satisfies AlertKind,
          server: upstream,
          text: 'The issuer refused to renew a credential, {count} times',
        }
      : undefined,
}

/** The same counters, of which those steps are noted. */
export function watching(counters: Counters, events: HeldEvents): Counters {
  return {
    ...counters,
    add: (name, labels, by) => {
      counters.add(name, labels, by)
      const condition = watched[name]?.(labels)
      if (condition !== undefined) events.note(condition, 10 * minuteMs)
    },
  }
}
