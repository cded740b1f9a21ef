-- For wrk: posts the lines of a file, over and over, and says in the end what it counted as one line of JSON.
-- Arguments: the file of bodies, and, where they are not sent as they stand, a file of line numbers in the order to send.

local requests, order, place = {}, nil, 0

local function lines_of(name)
  local lines = {}
  for line in io.lines(name) do lines[#lines + 1] = line end
  return lines
end

function init(args)
  local headers = { ["Content-Type"] = "application/json" }
  for at, body in ipairs(lines_of(args[1])) do
    requests[at] = wrk.format("POST", nil, headers, body)
  end
  if args[2] then
    order = {}
    for at, line in ipairs(lines_of(args[2])) do order[at] = tonumber(line) end
  end
end

function request()
  place = place % #(order or requests) + 1
  return requests[order and order[place] or place]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "failed": %d, "p50": %d, "p99": %d}\n',
    summary.requests, summary.duration, failed, latency:percentile(50), latency:percentile(99)
  ))
end
