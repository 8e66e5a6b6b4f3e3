import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { inlining, off } from './options.ts'

const known = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' })

it('names only options that this Node.js has, with values above its defaults', () => {
  for (const [name, bytes] of Object.entries(inlining)) {
    const standard = new RegExp(`default: --${name}=(\\d+)$`, 'm').exec(known)?.[1]
    expect(Number(standard), name).toBeGreaterThan(0)
    expect(bytes, name).toBeGreaterThan(Number(standard))
  }
})

it('puts off only what this Node.js has on by itself', () => {
  for (const name of off) expect(known).toMatch(new RegExp(`default: --${name}$`, 'm'))
})
