"""python3 deliver.py BOOTSTRAP TOPIC: sends ten records and says where each of them is."""
import itertools
import sys

import sendoff

RECORDS = 10
bootstrap, topic = sys.argv[1:]

with sendoff.Producer({"bootstrap.servers": bootstrap}) as producer:
    for number in range(RECORDS):
        producer.send(topic, b"record %d" % number, key=b"key", opaque=number)
    for report in itertools.islice(producer.reports(), RECORDS):
        outcome = "delivered" if report.outcome == sendoff.DELIVERED else "not delivered"
        print(f"record {report.opaque} {outcome} at offset {report.offset}")
print("closed")
