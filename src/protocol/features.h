/* What this build has that another may lack. */
#ifndef PROTOCOL_FEATURES_H
#define PROTOCOL_FEATURES_H

/* Words in alphabetical order, separated by commas, such as "gzip,isal,lz4,sasl,snappy,tls,zstd"; "" if there
 * are none. Static memory. */
const char *features_text(void);

#endif
