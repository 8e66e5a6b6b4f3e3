import { describe, expect, it } from 'vitest'
import { bench, callOf, exchangeOf, shown } from '../../../test/doubles/gateway/catalog-rig.ts'
import { ScriptedUpstream } from '../../../test/doubles/gateway/scripted-upstream.ts'
import { payload, payloadOf } from '../../core/call/payload.ts'
import { Intake, mostDefinitionBytes } from './intake.ts'

const tool = (name: string, bytes: number) => {
  const bare = { name, description: '', inputSchema: { type: 'object' } }
  return { ...bare, description: 'x'.repeat(bytes - JSON.stringify(bare).length) }
}

async function served(tools: readonly unknown[], listBytes: number) {
  const up = new ScriptedUpstream('a', { tools })
  const made = await bench([up], { listBytes }).start()
  const names = shown(await made.catalog.stages.list(callOf('tools/list'), exchangeOf(made.clock)))
  return { ...made, names, quarantined: made.catalog.status()[0]?.quarantined ?? [] }
}

describe('a list is taken up to its bytes', () => {
  it('what is over is named and the rest served, small ones after it too', async () => {
    const { names, quarantined, counted } = await served([tool('one', 400), tool('two', 400), tool('big', 400), tool('small', 200)], 1_000)
    expect(names).toEqual(['a__one', 'a__two', 'a__small'])
    expect(quarantined).toEqual([{ kind: 'tool', name: 'big', path: '', reason: 'is over the 1000 bytes that a list may have' }])
    expect(counted).toContain('quarantined_items a tool')
  })

  it('many that are over are counted and not named one by one', async () => {
    const { names, quarantined } = await served(
      Array.from({ length: 1_000 }, (_, n) => tool(`t${n}`, 500)),
      5_000,
    )
    expect(names).toHaveLength(10)
    expect(quarantined).toHaveLength(101)
    expect(quarantined.at(-1)?.reason).toBe('890 more are over a bound of size')
  })
})

describe('what is taken', () => {
  it('keeps nothing of the page that it came in', () => {
    const page = Buffer.alloc(1_000_000, 0x20)
    page.write('{"name":"a"}')
    const intake = new Intake('tool', 1_000)
    intake.take(payload(page.subarray(0, 12)))
    expect(intake.taken[0]?.bytes.buffer.byteLength).toBeLessThan(100_000)
  })

  it('is no definition that would hold everything up, whatever it is called', () => {
    const intake = new Intake('tool', Number.POSITIVE_INFINITY)
    const pad = 'x'.repeat(mostDefinitionBytes)
    for (const [name, shownAs] of [
      ['long', 'long'],
      ['n'.repeat(1_000), `${'n'.repeat(128)}…`],
      ['n'.repeat(100_000), undefined],
      [7, undefined],
    ]) {
      intake.take(payloadOf({ name, pad }))
      expect(intake.over().at(-1)).toMatchObject({ name: shownAs, reason: `is larger than ${mostDefinitionBytes} bytes` })
    }
    intake.take(payload(Buffer.from(`"${pad}"`)))
    expect(intake.over().at(-1)?.name).toBeUndefined()
    expect(intake.taken).toEqual([])
  })
})
