// A proof that comes later than it is asked for: the request waits for it, and one that is aborted meanwhile is not sent and keeps no place.
import { expect, test } from 'vitest'
import { ask, httpWireRig, kinds } from '../../../test/doubles/upstream/http-wire-rig.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'
import { HttpPools } from './pools.ts'

const at = httpWireRig()

interface Signing {
  readonly url: string
  readonly body: string
  sign(): void
  fail(bug: unknown): void
}

function lateSigner(): { readonly credential: CredentialLease; next(): Promise<Signing> } {
  const begun: Signing[] = []
  let wake = (): void => undefined
  const credential: CredentialLease = {
    id: 'late',
    headers: () => ({}),
    proof: {
      headers: (_method, url, body) =>
        new Promise((resolve, reject) => {
          begun.push({ url, body: String(Buffer.from(body ?? [])), sign: () => resolve({ 'x-proof': 'signed' }), fail: reject })
          wake()
        }),
      nonce: () => false,
    },
    reject: () => false,
  }
  const next = async (): Promise<Signing> => {
    const one = begun.shift()
    if (one !== undefined) return one
    await new Promise<void>((resolve) => {
      wake = resolve
    })
    return next()
  }
  return { credential, next }
}

test('a request waits for its proof; one that was aborted meanwhile is not sent and gives its place back', async () => {
  at.pools = new HttpPools({ perOrigin: 1 })
  const signer = lateSigner()
  const wire = at.open({ credential: signer.credential })
  for (let i = 0; i < 3; i += 1) {
    const gone = new AbortController()
    const answer = ask(wire, { signal: gone.signal })
    const signing = await signer.next()
    gone.abort()
    expect(kinds(await answer)).toEqual(['aborted'])
    signing.sign()
    await Promise.resolve()
  }
  expect(at.server.asked).toEqual([])
  const answer = ask(wire)
  const signing = await signer.next()
  expect(signing.url).toBe(at.server.url)
  expect(JSON.parse(signing.body)).toMatchObject({ method: 'tools/call' })
  signing.sign()
  expect(kinds(await answer)).toEqual(['answer'])
  expect(at.server.asked.map(({ headers }) => headers['x-proof'])).toEqual(['signed'])
})

test('a signer that fails fails its request alone', async () => {
  at.pools = new HttpPools({ perOrigin: 1 })
  const signer = lateSigner()
  const wire = at.open({ credential: signer.credential })
  const failing = ask(wire)
  const bug = new Error('no signature')
  ;(await signer.next()).fail(bug)
  await expect(failing).rejects.toBe(bug)
  const answer = ask(wire)
  ;(await signer.next()).sign()
  expect(kinds(await answer)).toEqual(['answer'])
})
