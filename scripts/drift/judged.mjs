// What became of each tool from one version of its server to the next, by the judge, the screening and the proofs of adapters.
import { isDeepStrictEqual } from 'node:util'
import { breaks } from '../../dist/core/call/contract.js'
import { digestsOf, judge, likeness, propose, screen } from '../../dist/gateway/contracts/index.js'

/** As alike as names of renamed tools are. */
const alike = 0.62

/** Of one step: each tool of both versions in one of the classes, those that came and went, and what was held. */
export function judgeStep(before, after) {
  const old = byName(before)
  const now = byName(after)
  const step = {
    identical: 0,
    same: 0,
    additive: 0,
    behavioural: 0,
    breaking: [],
    emptied: 0,
    gone: [],
    renamed: [],
    held: [],
    prose: 0,
    spent: 0,
  }
  for (const [name, tool] of now) {
    const known = old.get(name)
    if (known === undefined) continue
    if (JSON.stringify(known) === JSON.stringify(tool)) {
      step.identical += 1
      continue
    }
    const judged = judge(known, tool)
    if (judged.spent) step.spent += 1
    const words = digestsOf(known).prose !== digestsOf(tool).prose
    if (words) {
      step.prose += 1
    }
    for (const found of screen(known, tool).held) step.held.push({ tool: name, ...found })
    if (breaks(judged.verdict)) {
      const changes = judged.changes.filter((change) => breaks(change.verdict))
      const isEmptied = changes.some(({ kind }) => kind === 'contract.emptied')
      if (isEmptied) step.emptied += 1
      step.breaking.push({
        tool: name,
        verdict: judged.verdict,
        why: isEmptied
          ? 'the input schema says nothing any more'
          : changes
              .slice(0, 2)
              .map(({ human }) => human)
              .join('; '),
        example: judged.example !== undefined,
        isEmptied,
        // A schema that comes back from nothing is one that said nothing before.
        wasEmpty: isDeepStrictEqual(
          Object.keys(known.inputSchema ?? {}).filter((key) => key !== '$schema'),
          [],
        ),
        adapter: propose(known, tool)?.adapter,
      })
    } else step[judged.verdict] += 1
  }
  const came = [...now.keys()].filter((name) => !old.has(name))
  for (const name of old.keys()) {
    if (now.has(name)) continue
    const close = came.find((other) => likeness(name, other) >= alike)
    if (close === undefined) step.gone.push(name)
    else step.renamed.push(`${name} → ${close}`)
  }
  step.new = came.length - step.renamed.length
  return step
}

function byName(tools) {
  return new Map(tools.map((tool) => [tool.name, tool]))
}
