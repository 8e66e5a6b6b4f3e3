// Temporary driver.
import { expect, test } from 'vitest'
import { runMatrix } from './run.ts'

test('matrix', async () => {
  const from = performance.now()
  const matrix = await runMatrix()
  let n = 0
  for (const [server, clients] of Object.entries(matrix))
    for (const [client, cells] of Object.entries(clients))
      for (const [feature, cell] of Object.entries(cells)) {
        n += 1
        if (cell.result === 'broken') console.log(`${client} -> ${server}: ${feature}: ${cell.note}`)
      }
  console.log(n, 'cells', performance.now() - from, 'ms')
  expect(n).toBeGreaterThan(0)
}, 300_000)
