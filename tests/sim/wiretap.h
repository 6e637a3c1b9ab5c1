/* Listens on every connection between the network client and the simulated network: cuts what goes out into
 * requests and what comes in into answers, and enters in the books what they say of batches. A transport over
 * another one, which changes nothing. */
#ifndef SIM_WIRETAP_H
#define SIM_WIRETAP_H

#include "network/transport.h"
#include "sim/ledger.h"

/* Who is told. */
struct wiretap_listener {
  /* Bytes are about to be handed to the network: the request that they belong to may be as new as that. */
  void (*before_send)(void *context);
  /* Bytes are about to be read from it. */
  void (*before_receive)(void *context);
  /* A produce answer says this of a partition; topic: its name, null where it is named by id. */
  void (*on_answer)(void *context, int32_t correlation_id, struct bytes topic,
                    const struct produce_response_partition *answer);
  void *context;
};

/* The ledger is borrowed; `under` is destroyed with the wiretap. merges: a read may bring several answers, of
 * which the client may drop the later ones for what it finds in the first; else it gets one after the
 * other. */
struct transport *wiretap_create(struct transport *under, struct ledger *ledger,
                                 const struct wiretap_listener *listener, bool merges);

#endif
