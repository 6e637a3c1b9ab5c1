-- luajit leave_open.lua BOOTSTRAP TOPIC: sends ten records and ends. Nothing is closed; the library sends them at exit.
local sendoff = require "sendoff"
local bootstrap, topic = arg[1], arg[2]

local producer = sendoff.producer { ["bootstrap.servers"] = bootstrap, ["linger.ms"] = 60000 }
for number = 0, 9 do
  producer:send { topic = topic, key = "key", value = "record " .. number }
end
print "left open"
