-- Asks for pages at random: wrk ... -s keys.lua URL -- NUMBER_OF_KEYS
local requests = {}

function init(args)
  for key = 0, tonumber(args[1]) - 1 do
    requests[key + 1] = wrk.format("GET", string.format("/campaigns?name=k%07d", key))
  end
end

function request()
  return requests[math.random(#requests)]
end
