import { describe, expect, test } from 'vitest'
import { Builds } from './builds.ts'

const said = (version: string, capabilities: Record<string, unknown> = { tools: {} }) => ({
  identity: { name: 'one', version },
  capabilities,
})

describe('the builds of a server', () => {
  test('are as many as say something else than the one before, and one that comes back is another', () => {
    const builds = new Builds()
    expect(builds.of(said('1'))).toBe(1)
    expect(builds.of(said('1'))).toBe(1)
    expect(builds.of(said('2'))).toBe(2)
    expect(builds.of(said('2', { tools: {}, prompts: {} }))).toBe(3)
    expect(builds.of(said('1'))).toBe(4)
    expect(builds.latest).toBe(4)
  })

  test('are one in both eras at first, and are told apart in each', () => {
    const modern = new Builds()
    const legacy = modern.inOtherEra()
    modern.of(said('1'))
    expect(legacy.of(said('1', { tools: {}, logging: {} }))).toBe(1)
    expect(legacy.of(said('2', { tools: {}, logging: {} }))).toBe(2)
    expect(modern.latest).toBe(2)
  })

  test('are known from before the start by their name alone', () => {
    for (const [version, count] of [
      ['1', 0],
      ['2', 1],
    ] as const) {
      const builds = new Builds()
      builds.knownFrom(said('1'))
      expect(builds.of(said(version, { tools: {}, logging: {} }))).toBe(count)
    }
  })

  test('are not told apart where nothing is said', () => {
    const builds = new Builds()
    const nothing = { identity: undefined, capabilities: undefined }
    builds.knownFrom(nothing)
    expect(builds.of(nothing)).toBe(1)
    expect(builds.of(nothing)).toBe(1)
  })
})
