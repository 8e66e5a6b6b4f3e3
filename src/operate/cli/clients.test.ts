import { describe, expect, it } from 'vitest'
import { progress } from './clients.ts'

const seen = (name: string, transport: string, revision: string, lastSeen: string) => ({ name, transport, revision, lastSeen })

describe('how far the move of the clients has got', () => {
  it('counts each client once, by the way it came in last', () => {
    const found = [
      seen('moved', 'http', '2026-07-28', '2026-11-02T00:00:00Z'),
      seen('moved', 'sse', '2024-11-05', '2026-11-01T00:00:00Z'),
      seen('went back', 'http', '2026-07-28', '2026-11-01T00:00:00Z'),
      seen('went back', 'http', '2025-11-25', '2026-11-02T00:00:00Z'),
      seen('desktop', 'stdio', '2026-07-28', '2026-11-02T00:00:00Z'),
    ]
    expect(progress(found)).toEqual({ done: 1, all: 3 })
    expect(progress([])).toEqual({ done: 0, all: 0 })
  })
})
