// Every feature, from every kind of client to every kind of server: what crosses is what docs/crossing.md says. CROSSING_WRITE=1 writes it.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { clientKinds } from '../peers/clients.ts'
import { root } from '../peers/servers.ts'
import { asJson, asMarkdown } from './page.ts'
import { type Matrix, runMatrix } from './run.ts'
import { serverKinds } from './servers.ts'

const json = join(root, 'docs', 'crossing.json')
const page = join(root, 'docs', 'crossing.md')
let matrix: Matrix

beforeAll(async () => {
  matrix = await runMatrix()
  if (process.env.CROSSING_WRITE === undefined) return
  const rows = Object.values(matrix).flatMap((clients) => Object.values(clients))
  // What is broken is no state of things to be written down.
  if (rows.some((row) => Object.values(row).some((cell) => cell.result === 'broken'))) return
  writeFileSync(json, asJson(matrix))
  writeFileSync(page, asMarkdown(matrix))
}, 240_000)

describe.each(serverKinds)('in front of a server of the kind %s', (server) => {
  test.each(clientKinds)('a client of the kind %s gets what docs/crossing.json says, and nothing is broken', (client) => {
    const row = matrix[server][client]
    expect(Object.entries(row).filter(([, cell]) => cell.result === 'broken')).toEqual([])
    expect(row).toEqual(JSON.parse(readFileSync(json, 'utf8'))[server]?.[client])
  })
})

test('docs/crossing.md shows docs/crossing.json', () => {
  expect(readFileSync(page, 'utf8')).toBe(asMarkdown(JSON.parse(readFileSync(json, 'utf8')) as Matrix))
})
