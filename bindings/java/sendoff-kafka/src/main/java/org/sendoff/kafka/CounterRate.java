package org.sendoff.kafka;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.LongSupplier;
import org.apache.kafka.common.metrics.Measurable;
import org.apache.kafka.common.metrics.MetricConfig;

/**
 * How fast a total grows, per second, over the time that Kafka's own rates look at ({@code metrics.num.samples}
 * windows of {@code metrics.sample.window.ms}). A sample is taken when somebody looks, at most one per window.
 */
final class CounterRate implements Measurable {
    private record Sample(long total, long milliseconds) {
    }

    private final LongSupplier total;
    private final Deque<Sample> samples = new ArrayDeque<>();

    CounterRate(LongSupplier total) {
        this.total = total;
        samples.add(new Sample(0, System.currentTimeMillis()));
    }

    @Override
    public synchronized double measure(MetricConfig config, long now) {
        long current = total.getAsLong();
        long span = config.timeWindowMs() * config.samples();
        while (samples.size() > 1 && now - samples.getFirst().milliseconds() > span) {
            samples.removeFirst();
        }
        Sample oldest = samples.getFirst();
        if (now - samples.getLast().milliseconds() >= config.timeWindowMs()) {
            samples.addLast(new Sample(current, now));
        }
        long elapsed = Math.max(now - oldest.milliseconds(), config.timeWindowMs());
        return (current - oldest.total()) * 1000.0 / elapsed;
    }
}
