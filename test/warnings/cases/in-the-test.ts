import { EventEmitter } from 'node:events'
import { it } from 'vitest'

it('passes, with eleven listeners', () => {
  const emitter = new EventEmitter()
  for (let i = 0; i < 11; i += 1) emitter.on('news', () => {})
})
