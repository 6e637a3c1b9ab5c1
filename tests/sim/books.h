/* Takes the simulation's state into its books: requests that were handed to the network, logs, memory,
 * deadlines. */
#ifndef SIM_BOOKS_H
#define SIM_BOOKS_H

#include <stdbool.h>
#include <stdint.h>

struct simulation;

/* After each step of the sender: the requests that it has made. */
void books_note_calls(struct simulation *simulation);
/* After each wait: the requests that the network no longer holds. */
void books_end_calls(struct simulation *simulation);

/* The node leads a partition with what it has of its log; what the log loses is noted. */
void books_cut_log(struct simulation *simulation, uint32_t topic, int32_t partition, int32_t node_id);

void books_check_memory(struct simulation *simulation);
void books_check_wait(struct simulation *simulation, int64_t wait_us);

/* Walks all logs. at_rest: nothing is on its way any more. */
void books_check_logs(struct simulation *simulation, bool at_rest);

/* Why things stand still. */
void books_trace_state(const struct simulation *simulation);

/* The value of record `number`, of `size` bytes at least; returns its size. */
uint32_t books_write_value(char *to, uint32_t number, uint32_t topic, bool is_bad, uint32_t size);

#endif
