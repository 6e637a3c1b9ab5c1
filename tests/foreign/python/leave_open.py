"""python3 leave_open.py BOOTSTRAP TOPIC: sends ten records and ends. Nothing is closed; the library sends them at exit.
"""
import sys

import sendoff

bootstrap, topic = sys.argv[1:]
producer = sendoff.Producer({"bootstrap.servers": bootstrap, "linger.ms": 60_000})
for number in range(10):
    producer.send(topic, b"record %d" % number, key=b"key")
print("left open")
