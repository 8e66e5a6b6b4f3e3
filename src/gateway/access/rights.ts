// What one set of rights comes to: the rules that are for a principal, and for each item what they say. Made once for callers of the same
// rights, and once for an item as long as the catalog has it.
import type { Item } from '../../core/call/item.ts'
import type { Principal } from '../../core/call/principal.ts'
import type { Pins } from '../../core/call/tool-pins.ts'
import type { Condition, Facts } from './condition.ts'
import { grants, type Rule, reaches } from './rules.ts'

/** What the rules say of an item. */
export type Verdict =
  | { readonly kind: 'allowed'; readonly rule: Rule }
  /** Allowed but for these scopes. */
  | { readonly kind: 'scopes'; readonly rule: Rule; readonly missing: readonly string[] }
  | { readonly kind: 'denied'; readonly why: string | undefined }

/** A rule that grants an item, as far as that can be told without a call. */
interface Step {
  readonly rule: Rule
  readonly missing: readonly string[]
  readonly condition: Condition | undefined
}

interface Judged {
  /** First match wins; those with missing scopes only if no other one does. */
  readonly steps: readonly Step[]
  readonly shadows: readonly Step[]
  /** The verdict where no condition has to be asked. */
  readonly plain: Verdict | undefined
}

export class Rights {
  /** Of the rules whose scopes it has; the first that names a family holds. */
  readonly pins: Pins | undefined
  private readonly own: readonly { readonly rule: Rule; readonly missing: readonly string[] }[]
  private readonly facts: Readonly<Record<string, unknown>>
  private readonly judged = new WeakMap<Item, Judged>()
  /** Whether its callers can ask for more scopes. */
  private readonly stepsUp: boolean
  private readonly hasShadows: boolean

  constructor(rules: readonly Rule[], principal: Principal) {
    this.stepsUp = principal.method === 'oauth'
    const scopes = new Set(principal.scopes)
    this.own = rules
      .filter((rule) => rule.unfit(principal) === undefined)
      .map((rule) => ({ rule, missing: rule.scopes.filter((scope) => !scopes.has(scope)) }))
    this.pins = pinsIn(this.own.filter(({ rule, missing }) => !rule.shadow && missing.length === 0).map(({ rule }) => rule))
    this.hasShadows = this.own.some(({ rule }) => rule.shadow)
    const { sub, iss, tenant, clientId, kind, groups } = principal
    this.facts = { sub, iss, tenant, kind, client: clientId ?? '', groups: [...groups], scopes: [...scopes] }
  }

  /** Whether lists show it: it may be used now, or after a step-up; what depends on arguments may be. */
  sees(item: Item, now: () => Date): boolean {
    const { steps, plain } = this.of(item)
    if (plain !== undefined) return plain.kind === 'allowed' || (plain.kind === 'scopes' && this.stepsUp)
    return steps.some(
      ({ missing, condition }) =>
        (missing.length === 0 || this.stepsUp) &&
        (condition === undefined || condition.needsArguments || condition.holds(this.factsOf(item, {}, now())).holds),
    )
  }

  reaches(upstream: string): boolean {
    return this.own.some(({ rule }) => !rule.shadow && reaches(rule, upstream))
  }

  /** `args`: asked only where a condition has to know. */
  decide(item: Item, args: () => unknown, now: () => Date): Verdict {
    const { steps, plain } = this.of(item)
    if (plain !== undefined) return plain
    let first: Verdict | undefined
    let why: string | undefined
    for (const { rule, missing, condition } of steps) {
      const found = condition?.holds(this.factsOf(item, args(), now()))
      if (found?.holds === false) {
        why ??= `the condition of ${rule.name} does not hold${found.why === undefined ? '' : ` (${found.why})`}`
        continue
      }
      if (missing.length === 0) return { kind: 'allowed', rule }
      first ??= { kind: 'scopes', rule, missing }
    }
    return first ?? { kind: 'denied', why }
  }

  /** The rules that are not in force and would have granted it. */
  shadows(item: Item, args: () => unknown, now: () => Date): readonly Rule[] {
    // Most sets of rules have none, and then nothing has to be looked up.
    if (!this.hasShadows) return none
    return this.of(item)
      .shadows.filter(
        ({ missing, condition }) => missing.length === 0 && condition?.holds(this.factsOf(item, args(), now())).holds !== false,
      )
      .map(({ rule }) => rule)
  }

  /** What the condition of one rule says, for who explains it. */
  asks(rule: Rule, item: Item, args: unknown, now: Date): ReturnType<Condition['holds']> | undefined {
    return rule.condition?.holds(this.factsOf(item, args, now))
  }

  private of(item: Item): Judged {
    let judged = this.judged.get(item)
    if (judged === undefined) {
      judged = this.judge(item)
      this.judged.set(item, judged)
    }
    return judged
  }

  private judge(item: Item): Judged {
    const all = this.own
      .filter(({ rule }) => grants(rule, item))
      .map(({ rule, missing }): Step => ({ rule, missing, condition: rule.condition }))
    const shadows = all.filter(({ rule }) => rule.shadow)
    const steps = all.filter(({ rule }) => !rule.shadow)
    if (steps.some(({ condition }) => condition !== undefined)) return { steps, shadows, plain: undefined }
    const whole = steps.find(({ missing }) => missing.length === 0)
    if (whole !== undefined) return { steps, shadows, plain: { kind: 'allowed', rule: whole.rule } }
    const [part] = steps
    const plain: Verdict =
      part === undefined ? { kind: 'denied', why: undefined } : { kind: 'scopes', rule: part.rule, missing: part.missing }
    return { steps, shadows, plain }
  }

  private factsOf(item: Item, args: unknown, now: Date): Facts {
    const { kind, upstream, name, traits } = item
    const tool = { server: upstream, name, kind, readOnly: traits.readOnly, idempotent: traits.idempotent }
    return { principal: this.facts, tool, args, now }
  }
}

const none: readonly Rule[] = []

function pinsIn(rules: readonly Rule[]): Pins | undefined {
  const pins = new Map<string, number>()
  for (const rule of rules) for (const [family, version] of rule.pins ?? []) if (!pins.has(family)) pins.set(family, version)
  return pins.size === 0 ? undefined : pins
}
