"""The rules of `Claims` in Lua, so that each is one atomic step on the server.

Every script of a task gets the same four keys in the same order. Only the server's clock is used.
Tokens are microseconds, far below 2^53, so Lua's numbers hold them exactly. The first line makes
Redis refuse a script before its first step when it could not write (memory full, replica), where
without it some steps would be done and others not.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "CLAIM",
    "COUNT_LATE",
    "FINISH",
    "PASS_ON",
    "RELEASE",
    "RENEW",
    "REQUEST_CANCEL",
    "SUM_LATE",
]

_WRITES: Final = "#!lua"
_READS: Final = "#!lua flags=no-writes"
_TIME: Final = """
local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local now_ms = math.floor(now_us / 1000)
local function whole(number) return string.format('%.0f', number) end
"""

_TASK: Final = (
    _WRITES
    + _TIME
    + """
local claim, ledger, result, cancel = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local function noted(field) return tonumber(redis.call('HGET', ledger, field) or 0) end

local function note(field, token)
  if token > noted(field) then redis.call('HSET', ledger, field, whole(token)) end
end

local function keep(key, life_ms)
  if redis.call('PTTL', key) < tonumber(life_ms) then redis.call('PEXPIRE', key, life_ms) end
end

local function is_answered(submission)
  local succeeded, answers = unpack(redis.call('HMGET', result, 'succeeded', 'submission'))
  return succeeded == '1' or answers == submission
    or redis.call('HEXISTS', result, 'of:' .. submission) == 1
end

local function cancellation(submission)
  local all, one = unpack(redis.call('HMGET', cancel, 'all', 'of:' .. submission))
  return all or one
end

local function is_current(token, submission)
  return noted('last') <= token and noted('ended') < token and not is_answered(submission)
end

local function hold(token, submission, run_id, life_ms, ledger_ms, holder, attempt)
  redis.call('HSET', claim, 'token', whole(token), 'holder', holder, 'submission', submission,
    'attempt', attempt)
  redis.call('PEXPIRE', claim, life_ms)
  note('last', token)
  redis.call('HSET', ledger, 'run:' .. whole(token), run_id)
  keep(ledger, ledger_ms)
end

local function end_run(token, ledger_ms)
  if redis.call('HGET', claim, 'token') == whole(token) then redis.call('DEL', claim) end
  redis.call('HDEL', ledger, 'run:' .. whole(token))
  note('last', token)
  note('ended', token)
  keep(ledger, ledger_ms)
end

local function is_superseded(submission, attempt)
  return noted('passed:' .. submission) >= tonumber(attempt)
end

local function fields_of(kind)
  local found = {}
  for _, field in ipairs(redis.call('HKEYS', ledger)) do
    if string.sub(field, 1, #kind) == kind then table.insert(found, field) end
  end
  return found
end
"""
)

CLAIM: Final = (
    _TASK
    + """
local submission, run_id, life_ms, ledger_ms, holder, attempt = unpack(ARGV)
local own = redis.call('HGET', result, 'of:' .. submission)
if own then
  local gap = string.find(own, ' ', 1, true)
  return {'finished', string.sub(own, gap + 1), string.sub(own, 1, gap - 1), submission, '0'}
end
local kept = redis.call('HMGET', result, 'body', 'content_type', 'submission', 'succeeded')
if is_answered(submission) then return {'finished', unpack(kept)} end
local last = noted('last')
local is_own = redis.call('HGET', ledger, 'run:' .. whole(last)) == run_id
local other = redis.call('HGET', claim, 'holder')
if other and not is_own then return {'held', other, redis.call('PTTL', claim)} end
if not is_own and is_superseded(submission, attempt) then return {'superseded'} end
local why = cancellation(submission)
if why then
  if is_own then end_run(last, ledger_ms) end
  return {'cancelled', why}
end
local token = is_own and last or math.max(last + 1, now_us)
if kept[1] then
  redis.call('HSET', result, 'of:' .. kept[3], kept[2] .. ' ' .. kept[1])
  redis.call('HDEL', result, 'body', 'content_type', 'submission', 'succeeded')
end
hold(token, submission, run_id, life_ms, ledger_ms, holder, attempt)
return {'claimed', whole(token), #fields_of('run:') - 1}
"""
)

RENEW: Final = (
    _TASK
    + """
local token, submission = tonumber(ARGV[1]), ARGV[2]
if not is_current(token, submission) then return {'lost'} end
hold(token, unpack(ARGV, 2))
local why = cancellation(submission)
if why then return {'cancel', why} end
return {'renewed'}
"""
)

FINISH: Final = (
    _TASK
    + """
local token, submission, succeeded, body, content_type = tonumber(ARGV[1]), unpack(ARGV, 2, 5)
local ledger_ms, keep_ms = ARGV[6], ARGV[7]
if noted('finished') == token then return {'stored'} end
if not is_current(token, submission) then
  redis.call('HDEL', ledger, 'run:' .. whole(token))
  return {'late'}
end
local why = succeeded == '1' and cancellation(submission)
if why then return {'cancelled', why} end
if succeeded == '1' then redis.call('DEL', result) end
redis.call('HSET', result, 'body', body, 'content_type', content_type, 'submission', submission,
  'succeeded', succeeded)
redis.call('PEXPIRE', result, keep_ms)
end_run(token, ledger_ms)
for _, start in ipairs(fields_of('run:')) do redis.call('HDEL', ledger, start) end
redis.call('HDEL', ledger, 'passed:' .. submission)
if succeeded == '1' then
  for _, passed in ipairs(fields_of('passed:')) do redis.call('HDEL', ledger, passed) end
end
note('finished', token)
keep(ledger, keep_ms)
return {'stored'}
"""
)

RELEASE: Final = (
    _TASK
    + """
end_run(tonumber(ARGV[1]), ARGV[2])
"""
)

PASS_ON: Final = (
    _TASK
    + """
local attempt, submission = ARGV[3], ARGV[4]
if not is_superseded(submission, attempt) then
  redis.call('HSET', ledger, 'passed:' .. submission, attempt)
end
end_run(tonumber(ARGV[1]), ARGV[2])
"""
)

REQUEST_CANCEL: Final = (
    _TASK
    + """
local reason, keep_ms, wanted = ARGV[1], ARGV[2], ARGV[3]
local succeeded = redis.call('HGET', result, 'succeeded')
local is_over = wanted and is_answered(wanted) or not wanted and succeeded
if is_over then return {'finished', succeeded or '0'} end
redis.call('HSETNX', cancel, wanted and 'of:' .. wanted or 'all', whole(now_ms) .. ' ' .. reason)
keep(cancel, keep_ms)
local holder, running = unpack(redis.call('HMGET', claim, 'holder', 'submission'))
if holder and (not wanted or wanted == running) then return {'noted', holder} end
return {'noted'}
"""
)

COUNT_LATE: Final = (
    _WRITES
    + _TIME
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', whole(now_ms))
redis.call('ZADD', KEYS[1], whole(now_ms + tonumber(ARGV[2])), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
)

SUM_LATE: Final = (
    _READS
    + _TIME
    + """
return redis.call('ZCOUNT', KEYS[1], '(' .. whole(now_ms), '+inf')
"""
)
