import { expect, test } from 'vitest'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { principalKey } from '../../core/call/principal.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import { createSealer, freshKey } from '../../platform/seal/aes-sealer.ts'
import { taskIds } from './task-ids.ts'

test('an id tells its server, and the endpoint where the task is, to the gateway alone, and for its principal alone', () => {
  const ids = taskIds(createSealer(freshKey(), systemRandom))
  const ann = aPrincipal({ sub: 'ann' })
  for (const ref of [
    { upstream: 'up', taskId: 't' },
    { upstream: 'up', taskId: 't', place: 'abc' },
    { upstream: 'up', taskId: 't', tool: 'find', asked: -7 },
    { upstream: 'up', taskId: 't', place: 'abc', tool: 'find', asked: undefined },
  ]) {
    const visible = ids.show(ref, ann)
    expect(ids.open(visible, ann)).toEqual(ref)
    expect(ids.open(visible, aPrincipal({ sub: 'bob' }))).toBeUndefined()
    expect(visible).not.toContain('abc')
  }
})

test('ids of before, which tell neither tool nor arguments, are still good', () => {
  const sealer = createSealer(freshKey(), systemRandom)
  const ann = aPrincipal({ sub: 'ann' })
  const old = (value: unknown) => sealer.seal(Buffer.from(JSON.stringify(value)), `task ${principalKey(ann)}`)
  expect(taskIds(sealer).open(old(['up', 't']), ann)).toEqual({ upstream: 'up', taskId: 't' })
  expect(taskIds(sealer).open(old(['up', 't', 'abc']), ann)).toEqual({ upstream: 'up', taskId: 't', place: 'abc' })
  expect(taskIds(sealer).open(old(['up']), ann)).toBeUndefined()
})
