// The one step in which gateways that share a Redis take units of a limit: a script that counts by Redis' own clock. What was used stands in
// a hash of sub-windows; one counts until a whole period has gone by since its end.

/** Sub-windows of a period. */
const parts = 32
/** None is shorter, in ms: the hash of a short period stays small. */
const shortestPartMs = 10

export const subWindows = {
  /** In ms, of a period that long. */
  partMs: (periodMs: number): number => Math.max(periodMs / parts, shortestPartMs),
  /**
   * How long units may be used that were handed out, in ms: twice as long as an answer may take, so that some of it is left when they come.
   * They count from the end of that time on, so that whenever they are used no period sees more of them than the limit.
   */
  lifeMs: (periodMs: number): number => Math.min(Math.max(periodMs / parts, 50), 100),
}

/**
 * KEYS: the hash. ARGV, times in microseconds: the period, the length of a sub-window, the limit, the life of what is handed out; `need` and
 * `want` units; `back` units of the sub-window `backAt`, handed out and never used; `counted` units that were used without having been
 * handed out, below 0 where less was used than that; `wipe`.
 * Answers: units, their sub-window, the wait where there are none; what is used, when some of it comes back and when all of it.
 */
export const leaseScript = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local period, width, most, life = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local need, want, back, counted = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[9])
if ARGV[10] == '1' then redis.call('DEL', KEYS[1]) end
local first = math.floor((now - period) / width)
local all = redis.call('HGETALL', KEYS[1])
local order, amounts, changed, gone = {}, {}, {}, {}
for i = 1, #all, 2 do
  local at = tonumber(all[i])
  if at < first then gone[#gone + 1] = all[i] else
    order[#order + 1] = at
    amounts[at] = tonumber(all[i + 1])
  end
end
local function add(at, amount)
  if amounts[at] == nil then order[#order + 1] = at amounts[at] = 0 end
  amounts[at] = math.max(amounts[at] + amount, 0)
  changed[at] = true
end
local backAt = tonumber(ARGV[8])
if back > 0 and amounts[backAt] ~= nil then add(backAt, -back) end
if counted > 0 then add(math.floor(now / width), counted) end
table.sort(order)
for i = #order, 1, -1 do
  if counted >= 0 then break end
  local some = math.min(amounts[order[i]], -counted)
  add(order[i], -some)
  counted = counted + some
end
local used = 0
for i = 1, #order do used = used + amounts[order[i]] end
local limit = most + most * 1e-12
local granted, at, wait = 0, math.floor((now + life) / width), 0
local function over(part) return (part + 1) * width + period - now end
if need > 0 then
  if used + need <= limit then
    granted = math.max(need, math.min(want, most - used))
    add(at, granted)
    used = used + granted
    table.sort(order)
  else
    local left = used
    for i = 1, #order do
      left = left - amounts[order[i]]
      wait = over(order[i])
      if left + need <= limit then break end
    end
  end
end
local set, reset, ends = {}, 0, 0
for i = 1, #order do
  local part = order[i]
  local name = string.format('%.0f', part)
  if amounts[part] > 0 then
    if reset == 0 then reset = over(part) end
    ends = over(part)
    if changed[part] then set[#set + 1] = name set[#set + 1] = string.format('%.17g', amounts[part]) end
  else gone[#gone + 1] = name end
end
if #set > 0 then redis.call('HSET', KEYS[1], unpack(set)) end
if #gone > 0 then redis.call('HDEL', KEYS[1], unpack(gone)) end
if #set > 0 then redis.call('PEXPIRE', KEYS[1], math.ceil(ends / 1000) + 1) end
local function text(number) return string.format('%.17g', number) end
return {text(granted), text(at), text(wait), text(used), text(reset), text(ends)}
`

export interface LeaseRequest {
  readonly periodMs: number
  readonly most: number
  readonly need: number
  readonly want: number
  readonly back: number
  readonly backAt: number
  readonly counted: number
  readonly wipe: boolean
}

export interface LeaseReply {
  readonly granted: number
  /** The sub-window in which they count. */
  readonly at: number
  readonly waitMs: number
  readonly used: number
  readonly resetsInMs: number
  readonly endsInMs: number
}

export function argumentsOf({ periodMs, most, need, want, back, backAt, counted, wipe }: LeaseRequest): (string | number)[] {
  const us = (ms: number): number => ms * 1_000
  const life = subWindows.lifeMs(periodMs)
  return [us(periodMs), us(subWindows.partMs(periodMs)), most, us(life), need, want, back, backAt, counted, wipe ? '1' : '0']
}

/** Undefined where it is no answer of the script. */
export function replyOf(value: unknown): LeaseReply | undefined {
  if (!Array.isArray(value) || value.length !== 6) return undefined
  const [granted = Number.NaN, at = Number.NaN, wait = Number.NaN, used = Number.NaN, reset = Number.NaN, ends = Number.NaN] =
    value.map(Number)
  if (![granted, at, wait, used, reset, ends].every(Number.isFinite)) return undefined
  return { granted, at, waitMs: wait / 1_000, used, resetsInMs: reset / 1_000, endsInMs: ends / 1_000 }
}
