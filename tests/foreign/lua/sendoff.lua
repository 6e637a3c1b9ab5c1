-- Sendoff from LuaJIT by its FFI, which reads the declarations from the header as it is.
--
-- Reports are taken from the queue: LuaJIT cannot be called from a thread of the library.
local ffi = require "ffi"

-- What is for compilers alone is taken out by the preprocessor; it finds the header where C programs do.
local function declarations()
  local preprocessor = assert(io.popen "cc -E -P -x c -include sendoff/sendoff.h '-D__attribute__(x)=' /dev/null")
  local text = preprocessor:read "*a"
  preprocessor:close()
  return text
end

ffi.cdef(declarations())
local library = ffi.load "libsendoff.so.1"

local function check(status, message)
  if status == library.SENDOFF_OK then return end
  local name = ffi.string(library.sendoff_status_name(status))
  error(message and name .. ": " .. ffi.string(message) or name, 3)
end

local Producer = {}
Producer.__index = Producer

-- Sendoff.producer { ["bootstrap.servers"] = "...", ... }
local function producer(settings)
  local config, handle = ffi.new "sendoff_config *[1]", ffi.new "sendoff_producer *[1]"
  local message = ffi.new("char[?]", 256)
  check(library.sendoff_config_create(config))
  local function set(name, value)
    check(library.sendoff_config_set(config[0], name, tostring(value), message, 256), message)
  end
  set("delivery.report.mode", "queue")
  for name, value in pairs(settings) do set(name, value) end
  check(library.sendoff_create(config[0], nil, handle, message, 256), message)
  library.sendoff_config_destroy(config[0])
  return setmetatable({ handle = handle[0] }, Producer)
end

-- Accepts a record: everything is copied, and one report will follow. record: topic, value, key, opaque.
function Producer:send(record)
  local key, value = record.key, record.value
  check(library.sendoff_send(self.handle, ffi.new("sendoff_record", {
    size = ffi.sizeof "sendoff_record", topic = record.topic, opaque = record.opaque or 0,
    key = key, key_bytes = key and #key or 0, value = value, value_bytes = value and #value or 0,
  })))
end

-- An iterator of the next so many reports; waits for those that are not there yet.
function Producer:reports(count)
  local report, taken = ffi.new "sendoff_report[1]", ffi.new "size_t[1]"
  return function()
    if count == 0 then return end
    count = count - 1
    check(library.sendoff_poll(self.handle, report, 1, -1, taken))
    local delivered = report[0].outcome == library.SENDOFF_OUTCOME_DELIVERED
    return tonumber(report[0].opaque), delivered, tonumber(report[0].offset)
  end
end

-- Sends what was accepted; what is still unsent when the time is up is given up, and an error.
function Producer:close(timeout_ms)
  check(library.sendoff_close(self.handle, timeout_ms or -1))
  library.sendoff_destroy(self.handle)
end

return { producer = producer }
