import { expect, it } from 'vitest'
import { payloadOf } from '../../core/call/payload.ts'
import { inputRequired } from './server-requests.ts'

it('each question in `input_required` carries params, also where its server sent none', () => {
  const questions = new Map([
    ['r', { method: 'roots/list', params: undefined }],
    ['s', { method: 'sampling/createMessage', params: payloadOf({ maxTokens: 1, _meta: { progressToken: 1 } }) }],
  ] as const)
  expect(inputRequired(questions).json()).toEqual({
    resultType: 'input_required',
    inputRequests: {
      r: { method: 'roots/list', params: {} },
      s: { method: 'sampling/createMessage', params: { maxTokens: 1, _meta: {} } },
    },
  })
})
