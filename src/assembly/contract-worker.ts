// The thread in which contracts are judged: one answer for each question, in order.
import { parentPort } from 'node:worker_threads'
import { answerTo, createJudge, type Question, rules, type Said } from '../gateway/contracts/index.ts'
import { runByGate } from './contract-runs.ts'

const judge = createJudge(rules, runByGate)
const say = (said: Said): void => parentPort?.postMessage(said)

parentPort?.on('message', (question: Question) => say(answerTo(question, judge)))
say({ ready: true })
