import { describe, expect, it } from 'vitest'
import { findSecrets } from './find-secrets.ts'

/** Tokens of these tests are put together here, so that no scanner takes this file for a leak. */
const made = (length: number, from = 'aZ3kQ9xV7bN2mW8pR5tY1uE6cD4gH0jL') => from.repeat(Math.ceil(length / from.length)).slice(0, length)
const jwt = `eyJ${made(20)}.eyJ${made(60)}.${made(43)}`
const pem = `-----BEGIN RSA PRIVATE KEY-----\n${made(64)}\n${made(64)}\n-----END RSA PRIVATE KEY-----`

/** What is left of a text, by itself, as structured content, and as JSON in a text. */
function masked(text: string): string {
  return replace(Buffer.from(JSON.stringify(text)))
}

function replace(bytes: Buffer): string {
  let out = ''
  let from = 0
  for (const { start, end, rule } of findSecrets(bytes)) {
    out += `${bytes.toString('utf8', from, start)}[${rule}]`
    from = end
  }
  return JSON.parse(out + bytes.toString('utf8', from)) as string
}

const tokens: readonly [rule: string, token: string][] = [
  ['aws_access_key', `AKIA${'Q3EGRTZ5LMNW7XYP'}`],
  ['google_key', `AIza${made(35)}`],
  ['google_key', `GOCSPX-${made(28)}`],
  ['google_key', `ya29.${made(60)}`],
  ['azure_secret', `aB3${'8Q~'}${made(34)}`],
  ['github_token', `ghp_${made(36)}`],
  ['github_token', `github_pat_${made(22)}_${made(59)}`],
  ['gitlab_token', `glpat-${made(20)}`],
  ['slack_token', `xoxb-123476549087-${made(24)}`],
  ['stripe_key', `sk_live_${made(24)}`],
  ['openai_key', `sk-proj-${made(80)}`],
  ['openai_key', `sk-${made(48)}`],
  ['anthropic_key', `sk-ant-api03-${made(90)}`],
  ['npm_token', `npm_${made(36)}`],
  ['pypi_token', `pypi-AgEIcHlwaS5vcmc${made(80)}`],
  ['huggingface_token', `hf_${made(34)}`],
  ['other_token', `SG.${made(22)}.${made(43)}`],
  ['jwt', jwt],
]

describe('a secret of a known form is found', () => {
  it.each(tokens)('%s: %s', (rule, token) => {
    expect(masked(token)).toBe(`[${rule}]`)
    expect(masked(`it is\n${token}, and`)).toBe(`it is\n[${rule}], and`)
    expect(masked(JSON.stringify({ a: { note: [token] } }, null, 2))).toBe(JSON.stringify({ a: { note: [`[${rule}]`] } }, null, 2))
    expect(masked(JSON.stringify({ api_token: token }))).toBe(JSON.stringify({ api_token: `[${rule}]` }))
    expect(masked(`Authorization: Bearer ${token}`)).toBe(`Authorization: Bearer [${rule}]`)
  })

  it('a private key, in whatever a text is within', () => {
    for (const text of [pem, JSON.stringify({ key: pem }), JSON.stringify(JSON.stringify({ key: pem }))]) {
      const left = masked(text)
      expect(left).toMatch(/-----BEGIN RSA PRIVATE KEY-----\[private_key\]-----END RSA PRIVATE KEY-----/)
      expect(left).not.toContain(made(20))
    }
  })

  it('a private key that is cut, up to the end of its text', () => {
    expect(masked(pem.slice(0, 150))).toBe('-----BEGIN RSA PRIVATE KEY-----[private_key]')
  })

  it('passwords in addresses, and bearer tokens', () => {
    expect(masked('postgres://app:hunter22x@db.internal/x')).toBe('postgres://app:[url_password]@db.internal/x')
    expect(masked('redis://:correcthorsebattery@cache:6379')).toBe('redis://:[url_password]@cache:6379')
    expect(masked(`curl -H "X: y" bearer ${made(24)}`)).toBe('curl -H "X: y" bearer [bearer_token]')
  })
})

describe('a value beside a telling name is found', () => {
  it.each([
    ['DB_PASSWORD=hunter2', 'DB_PASSWORD=[named_secret]'],
    ['a=b\nexport SESSION_SECRET=p@ss;w0rd,1\nc=d', 'a=b\nexport SESSION_SECRET=[named_secret]\nc=d'],
    ['AWS_SECRET_ACCESS_KEY=wJq7XUtnF3MI/K7MDtNG/bPxRf9CYzQ4VTnb8kLp', 'AWS_SECRET_ACCESS_KEY=[named_secret]'],
    ['{"password":"hunter2","user":"bob"}', '{"password":"[named_secret]","user":"bob"}'],
    [`{'apiKey': 'k3y-93hf82jd0'}`, `{'apiKey': '[named_secret]'}`],
    ['client_secret: 8f2a91bc77de4410aa', 'client_secret: [named_secret]'],
    ['login failed, password=hunter2 for bob', 'login failed, password=[named_secret] for bob'],
    ['https://a.example/x?access_token=a8f3k2m9q7w1e5r4&b=1', 'https://a.example/x?access_token=[named_secret]&b=1'],
    ['https://a.example/x?b=1&access_token=aZkQxVbNmWpRtYuEcDgHjL7q', 'https://a.example/x?b=1&access_token=[named_secret]'],
    ['AccountName=x;AccountKey=Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZg==;', 'AccountName=x;AccountKey=[named_secret];'],
  ])('%s', (text, left) => {
    expect(masked(text)).toBe(left)
  })

  it('with quotes and backslashes in it, the same whether it is structured or JSON in a text', () => {
    const value = { password: 'a"b\\c1!x"9', token: `${made(30)}\\` }
    const structured = replace(Buffer.from(JSON.stringify(value)))
    expect(structured).toEqual({ password: '[named_secret]', token: '[named_secret]' })
    expect(JSON.parse(masked(JSON.stringify(value)))).toEqual(structured)
    expect(JSON.parse(JSON.parse(masked(JSON.stringify(JSON.stringify(value)))) as string)).toEqual(structured)
  })

  it('and no number, object or word', () => {
    const value = { password: { type: 'string' }, token: 12345678, secret: true, api_key: null, access_token: ['a'] }
    expect(replace(Buffer.from(JSON.stringify(value)))).toEqual(value)
  })
})

describe('what is no secret stays', () => {
  it.each([
    'commit 3f2a91bc77de4410aa8812f0c9d1e5b7a6c3d2f1 by bob',
    'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'id 7c9e6679-7425-40de-944b-e07fc1f90ae7, ETag: "33a64df551425fcc55e4d42a148795d9f25f89d4"',
    '"integrity": "sha512-Vd8e2d+jI1k3pVZ7nY8b2p1CyN4mQbJrQm0n9z0GJmW9GQdX8uJmJd0sA1J2yYfqN5a3W8Yl2yE3u4o5i6p7Aw=="',
    'AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    'ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx, sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
    'password: required, password: string, "password": "Mot2passe requis"',
    'password: ${DB_PASSWORD1}, token = getToken(12345), secret: process.env.SECRET2',
    'API_KEY=your-api-key-1, TOKEN=<token1>, password=$PASS1',
    '{"nextPageToken":"CAUQAA8f3k2m9q7w1e5r4","max_tokens":4096,"sync_token":"a8f3k2m9q7w1e5r4"}',
    'PWD=/srv/app2 OLDPWD=/srv/x3 HOME=/home/u1 PATH=/usr/bin:/opt/x86_64 LANG=en_US.UTF-8',
    'postgres://user:password@localhost/x, mongodb://username:myuserpassword1@host',
    'https://x.example/badge.svg?token=rn91iI4bSe',
    'primary_key: id_8f2a91bc77de4410aa, public_key=8f2a91bc77de4410aa22',
    'class="sk-fading-circle sk-circle12 sk-cube-grid"',
    'const lastSignificantToken = "?InterpolationInTemplate"',
    'pem.indexOf("-----BEGIN PRIVATE KEY-----") !== 0) throw new TypeError("pkcs8 must be a PKCS8 formatted string, thank you")',
    'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c',
  ])('%s', (text) => expect(masked(text)).toBe(text))
})

describe('whatever bytes come', () => {
  const hostile = [
    '\\"token\\":',
    '"token":"',
    'token:',
    'TOKEN=',
    'sk-',
    'ghp_',
    '.eyJ',
    'eyJeyJeyJeyJ.eyJ',
    '-----BEGIN PRIVATE KEY-----',
    '://a:b@',
    ':@',
    'bearer ',
    '\\\\\\',
    '= : = :',
    `password=${'a1'.repeat(200)}`,
  ]

  it.each(hostile)('of %s many times over it throws nothing, and cuts no string', (piece) => {
    const text = piece.repeat(2_000)
    for (const bytes of [Buffer.from(JSON.stringify([text, text])), Buffer.from(text), Buffer.from(piece)]) {
      let last = 0
      for (const { start, end } of findSecrets(bytes)) {
        expect(start).toBeGreaterThanOrEqual(last)
        expect(end).toBeGreaterThan(start)
        expect(end).toBeLessThanOrEqual(bytes.length)
        last = end
      }
    }
    expect(() => masked(text)).not.toThrow()
  })
})
