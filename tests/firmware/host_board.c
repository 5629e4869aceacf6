/* board.h where there is an operating system. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "board.h"

#define PAINT 0xc0dec0deu

void board_print(const char *text) { fputs(text, stdout); }
void board_print_hex(uint32_t value) { printf("%08x ", (unsigned)value); }
void board_print_int(int value) { printf("%d", value); }
void board_exit(int status) { exit(status); }
void board_paint(uint32_t *begin, uint32_t *end) {
  while (begin < end) *begin++ = PAINT;
}
unsigned board_used_from_bottom(const uint32_t *begin, const uint32_t *end) {
  while (begin < end && end[-1] == PAINT) --end;
  return (unsigned)((const char *)end - (const char *)begin);
}
unsigned board_stack_of(void (*function)(void)) {
  function();
  return 0;
}
