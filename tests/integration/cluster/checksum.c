#include "checksum.h"

static uint32_t checksum(uint32_t polynomial, uint32_t table[256], const uint8_t *bytes, size_t size) {
  if (table[1] == 0) {
    for (uint32_t byte = 0; byte < 256; byte++) {
      uint32_t remainder = byte;
      for (int bit = 0; bit < 8; bit++)
        remainder = remainder >> 1 ^ ((remainder & 1) != 0 ? polynomial : 0);
      table[byte] = remainder;
    }
  }
  uint32_t sum = UINT32_MAX;
  for (size_t i = 0; i < size; i++)
    sum = sum >> 8 ^ table[(sum ^ bytes[i]) & 0xff];
  return ~sum;
}

uint32_t crc32_of(const void *bytes, size_t size) {
  static uint32_t table[256];
  return checksum(0xedb88320, table, bytes, size);
}

uint32_t crc32c_of(const void *bytes, size_t size) {
  static uint32_t table[256];
  return checksum(0x82f63b78, table, bytes, size);
}
