package sendoff

import (
	"context"
	"slices"
	"sync"
)

// deliveriesWanted collects the deliveries of one ProduceSync.
type deliveriesWanted struct {
	mu         sync.Mutex
	deliveries []Delivery
	missing    int
	all        chan struct{} // closed when none is missing
}

func (w *deliveriesWanted) add(index int, delivery Delivery) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deliveries[index] = delivery
	w.missing--
	if w.missing == 0 {
		close(w.all)
	}
}

// known returns what is known by now; the outcome of the others is not, because of err.
func (w *deliveriesWanted) known(err error) []Delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	deliveries := slices.Clone(w.deliveries)
	for i := range deliveries {
		if deliveries[i].Outcome == 0 {
			deliveries[i].Outcome, deliveries[i].Err = OutcomeUnknown, err
		}
	}
	return deliveries
}

func (c *core) produceSync(ctx context.Context, records []*Record) ([]Delivery, error) {
	if c.drain.isCurrent() {
		return nil, ErrInCallback
	}
	if len(records) == 0 {
		return nil, nil
	}
	wanted := &deliveriesWanted{
		deliveries: make([]Delivery, len(records)),
		missing:    len(records),
		all:        make(chan struct{}),
	}
	for i, record := range records {
		delivery := Delivery{Topic: record.Topic, Partition: -1, Offset: -1}
		wanted.deliveries[i] = delivery // what is known of it if ctx ends
		if err := c.produce(ctx, record, func(delivery Delivery) { wanted.add(i, delivery) }); err != nil {
			delivery.Outcome, delivery.Err = NotDelivered, err
			wanted.add(i, delivery)
		}
	}
	c.cutLinger()
	var waitErr error
	select {
	case <-wanted.all:
	case <-ctx.Done():
		waitErr = contextError(ctx, "waiting for deliveries")
	}
	deliveries := wanted.known(waitErr)
	for _, delivery := range deliveries {
		if delivery.Err != nil {
			return deliveries, delivery.Err
		}
	}
	return deliveries, nil
}
