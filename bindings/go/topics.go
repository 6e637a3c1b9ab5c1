package sendoff

import (
	"strings"
	"sync"
	"sync/atomic"

	"sendoff.org/sendoff/internal/native"
)

// topic is a topic as the library knows it: the number is its own for the producer's life.
type topic struct {
	name string
	id   uint32
}

// topics maps names to numbers and back. Most programs send to the same topic again and again, so the last is at hand.
type topics struct {
	last   atomic.Pointer[topic]
	mu     sync.RWMutex
	byName map[string]*topic
	byID   map[uint32]*topic
}

func (t *topics) init() {
	t.byName = make(map[string]*topic)
	t.byID = make(map[uint32]*topic)
}

// find returns the topic of a name, new to the library or not, and makes it the last.
func (t *topics) find(producer uintptr, name string) (*topic, error) {
	t.mu.RLock()
	found := t.byName[name]
	t.mu.RUnlock()
	if found == nil {
		var err error
		if found, err = t.add(producer, name); err != nil {
			return nil, err
		}
	}
	t.last.Store(found)
	return found, nil
}

func (t *topics) add(producer uintptr, name string) (*topic, error) {
	if strings.Contains(name, "\x00") { // where C's strings end
		return nil, refusal(ErrInvalidTopic.(*Error).Code)
	}
	var id uint32
	if status := native.Topic(producer, name, &id); status != statusOK {
		return nil, refusal(status)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if known := t.byID[id]; known != nil {
		return known, nil
	}
	added := &topic{name: strings.Clone(name), id: id} // it may be a small part of something large
	t.byName[added.name] = added
	t.byID[id] = added
	return added, nil
}

// named returns the topic of a number that a report has.
func (t *topics) named(id uint32) *topic {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byID[id]
}
