import { expect, test } from 'vitest'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import { createSealer, freshKey } from '../../platform/seal/aes-sealer.ts'
import { taskIds } from './task-ids.ts'

test('an id tells its server, and the endpoint where the task is, to the gateway alone, and for its principal alone', () => {
  const ids = taskIds(createSealer(freshKey(), systemRandom))
  const ann = aPrincipal({ sub: 'ann' })
  for (const ref of [
    { upstream: 'up', taskId: 't' },
    { upstream: 'up', taskId: 't', place: 'abc' },
  ]) {
    const visible = ids.show(ref, ann)
    expect(ids.open(visible, ann)).toEqual(ref)
    expect(ids.open(visible, aPrincipal({ sub: 'bob' }))).toBeUndefined()
    expect(visible).not.toContain('abc')
  }
})
