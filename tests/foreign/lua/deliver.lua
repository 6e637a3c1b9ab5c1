-- luajit deliver.lua BOOTSTRAP TOPIC: sends ten records and says where each of them is.
local sendoff = require "sendoff"
local bootstrap, topic = arg[1], arg[2]

local producer = sendoff.producer { ["bootstrap.servers"] = bootstrap }
for number = 0, 9 do
  producer:send { topic = topic, key = "key", value = "record " .. number, opaque = number }
end
for number, delivered, offset in producer:reports(10) do
  print(("record %d %s at offset %d"):format(number, delivered and "delivered" or "not delivered", offset))
end
producer:close()
print "closed"
