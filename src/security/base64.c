#include "security/base64.h"

static const char *characters_of(enum base64_alphabet alphabet) {
  static const char *const alphabets[] = {
      [BASE64_STANDARD] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
      [BASE64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
  };
  return alphabets[alphabet];
}

size_t base64_encode(struct bytes data, enum base64_alphabet alphabet, char *to) {
  const char *characters = characters_of(alphabet);
  size_t count = 0;
  for (size_t i = 0; i < data.size; i += 3) {
    size_t left = data.size - i < 3 ? data.size - i : 3;
    uint32_t group = 0;
    for (size_t j = 0; j < 3; j++)
      group = group << 8 | (j < left ? data.data[i + j] : 0u);
    for (size_t j = 0; j < 4; j++) {
      if (j <= left) {
        to[count++] = characters[group >> (18 - 6 * j) & 63];
      } else if (alphabet == BASE64_STANDARD) {
        to[count++] = '=';
      }
    }
  }
  return count;
}

/* Its six bits, or -1. */
static int32_t value_of(uint8_t character, enum base64_alphabet alphabet) {
  if (character >= 'A' && character <= 'Z') return character - 'A';
  if (character >= 'a' && character <= 'z') return character - 'a' + 26;
  if (character >= '0' && character <= '9') return character - '0' + 52;
  const char *characters = characters_of(alphabet);
  if (character == characters[62]) return 62;
  return character == characters[63] ? 63 : -1;
}

bool base64_decode(struct bytes text, enum base64_alphabet alphabet, uint8_t *to, size_t *size) {
  size_t count = text.size;
  if (alphabet == BASE64_STANDARD) {
    if (count % 4 != 0) return false;
    for (size_t padding = 0; padding < 2 && count > 0 && text.data[count - 1] == '='; padding++)
      count--;
  }
  if (count % 4 == 1) return false;
  uint32_t bits = 0, bit_count = 0;
  size_t written = 0;
  for (size_t i = 0; i < count; i++) {
    int32_t value = value_of(text.data[i], alphabet);
    if (value < 0) return false;
    bits = bits << 6 | (uint32_t)value;
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    to[written++] = (uint8_t)(bits >> bit_count);
    bits &= (1u << bit_count) - 1;
  }
  if (bits != 0) return false; /* the same bytes would have a second encoding */
  *size = written;
  return true;
}
