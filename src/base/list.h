/* Intrusive doubly linked list with a sentinel. A node is in at most one list; an unlinked node points to
 * itself. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
  struct list *previous, *next;
};

static inline void list_init(struct list *node) {
  node->previous = node;
  node->next = node;
}

static inline bool list_is_empty(const struct list *head) {
  return head->next == head;
}

static inline bool list_is_linked(const struct list *node) {
  return node->next != node;
}

static inline void list_insert_before(struct list *position, struct list *node) {
  node->previous = position->previous;
  node->next = position;
  position->previous->next = node;
  position->previous = node;
}

static inline void list_append(struct list *head, struct list *node) {
  list_insert_before(head, node);
}

static inline void list_prepend(struct list *head, struct list *node) {
  list_insert_before(head->next, node);
}

static inline void list_remove(struct list *node) {
  node->previous->next = node->next;
  node->next->previous = node->previous;
  list_init(node);
}

/* Moves all of from to the end of head, in order. */
static inline void list_append_all(struct list *head, struct list *from) {
  if (list_is_empty(from)) return;
  from->next->previous = head->previous;
  from->previous->next = head;
  head->previous->next = from->next;
  head->previous = from->previous;
  list_init(from);
}

#define LIST_ENTRY(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

#endif
