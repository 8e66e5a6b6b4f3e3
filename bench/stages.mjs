// Where the time of a call goes, stage by stage. Measured beside the rounds, since what measures costs a call some microseconds.
import { load } from './load.mjs'

const passes = 'signalbox_stage_passes_total'
const seconds = 'signalbox_stage_seconds_total'

/**
 * Own microseconds a call of each stage of `tools/call`, in the order of the table, under one connection: with more of them every stage would
 * wait for the others' turns. `target` is a gateway with `telemetry.stages`.
 */
export async function stageTimes(target, windowMs) {
  await load(target, 1, windowMs)
  const before = await read(target.metrics)
  const sample = await load(target, 1, windowMs)
  if (sample.errors > 0) throw new Error(`stages: ${sample.errors} wrong answers; first: ${sample.firstError}`)
  const after = await read(target.metrics)
  // The chain is made from its end.
  const stages = [...after.keys()].reverse()
  return stages.map((stage) => {
    const [now, then] = [after.get(stage), before.get(stage) ?? { passes: 0, seconds: 0 }]
    return { stage, us: ((now.seconds - then.seconds) / Math.max(1, now.passes - then.passes)) * 1e6 }
  })
}

async function read(url) {
  const text = await (await fetch(url)).text()
  const found = new Map()
  for (const [, name, stage, value] of text.matchAll(/^(\w+)\{family="invoke",stage="(\w+)"\} (\S+)$/gm)) {
    if (name !== passes && name !== seconds) continue
    const one = found.get(stage) ?? { passes: 0, seconds: 0 }
    one[name === passes ? 'passes' : 'seconds'] = Number(value)
    found.set(stage, one)
  }
  if (found.size === 0) throw new Error(`${url} tells no time of stages`)
  return found
}
