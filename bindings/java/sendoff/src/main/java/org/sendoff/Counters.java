package org.sendoff;

/**
 * What a producer has done since it was made, and gauges of this moment.
 *
 * @param recordsAccepted records that {@code send} accepted
 * @param recordsDelivered acknowledged ones
 * @param recordsNotDelivered those that ended {@link Outcome#NOT_DELIVERED}
 * @param recordsUnknown those that ended {@link Outcome#UNKNOWN}, {@code acks=0} not counted
 * @param recordsUnacknowledged with {@code acks=0}: handed to the system
 * @param bytesAccepted bytes of keys, values and headers
 * @param batchesSent batches sent, every attempt counted
 * @param batchesRetried attempts after the first
 * @param batchesSplit batches that a broker found too large
 * @param batchBytesSent bytes of batches on the wire, after compression
 * @param batchBytesUncompressed the same before compression
 * @param outOfOrderAnswers answers that a sequence number was out of order
 * @param outcomesResolved batches whose outcome was unknown and became known
 * @param epochsRaised partitions that went on under a new epoch
 * @param requestsSent requests of all kinds
 * @param responsesReceived their answers
 * @param connectionsOpened connections that came up
 * @param connectionsFailed attempts to connect that failed
 * @param connectionsLost connections that broke
 * @param throttledMilliseconds pauses that brokers asked for
 * @param recordsPending gauge: accepted records without an outcome
 * @param reportsUnread gauge: outcomes that the delivery thread has yet to read
 * @param requestsInFlight gauge: produce requests without an answer
 * @param bufferBytesUsed gauge: of {@code buffer.memory}
 * @param bufferBytesTotal {@code buffer.memory}
 * @param bufferBytesStaged gauge: of the used bytes, those of records whose topic or partition is not known yet
 */
public record Counters(
    long recordsAccepted,
    long recordsDelivered,
    long recordsNotDelivered,
    long recordsUnknown,
    long recordsUnacknowledged,
    long bytesAccepted,
    long batchesSent,
    long batchesRetried,
    long batchesSplit,
    long batchBytesSent,
    long batchBytesUncompressed,
    long outOfOrderAnswers,
    long outcomesResolved,
    long epochsRaised,
    long requestsSent,
    long responsesReceived,
    long connectionsOpened,
    long connectionsFailed,
    long connectionsLost,
    long throttledMilliseconds,
    long recordsPending,
    long reportsUnread,
    long requestsInFlight,
    long bufferBytesUsed,
    long bufferBytesTotal,
    long bufferBytesStaged) {
}
