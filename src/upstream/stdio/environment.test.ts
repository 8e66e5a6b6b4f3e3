import { describe, expect, it } from 'vitest'
import { childEnvironment } from './environment.ts'

describe('the environment of a child (R33)', () => {
  const ours = {
    PATH: '/bin',
    HOME: '/home/a',
    LANG: 'C.UTF-8',
    LC_ALL: 'C',
    TZ: 'UTC',
    AWS_SECRET_ACCESS_KEY: 'canary',
    NODE_OPTIONS: '--inspect',
    NODE_EXTRA_CA_CERTS: '/ca',
    HTTPS_PROXY: 'http://canary@proxy',
    SIGNALBOX_TOKEN: 'canary',
    SHELL: '() { :; }; canary',
    USER: undefined,
  }

  it('is an allow-list of ours and nothing else', () => {
    expect(childEnvironment(ours, {}, 'linux')).toEqual({ PATH: '/bin', HOME: '/home/a', LANG: 'C.UTF-8', LC_ALL: 'C', TZ: 'UTC' })
  })

  it('with the settings on top, which may name what we never pass on', () => {
    expect(childEnvironment(ours, { PATH: '/opt/bin', HTTPS_PROXY: 'http://p' }, 'linux')).toMatchObject({
      PATH: '/opt/bin',
      HTTPS_PROXY: 'http://p',
    })
  })

  it('on Windows has the names that programs need there, in any case', () => {
    expect(childEnvironment({ Path: 'C:\\', SystemRoot: 'C:\\W', Secret: 'canary' }, {}, 'win32')).toEqual({
      Path: 'C:\\',
      SystemRoot: 'C:\\W',
    })
  })
})
