/* What a program on a bare Cortex-M needs: the vectors, a clear start, and output by semihosting. */
#include "board.h"

#include <stdint.h>

extern uint32_t bss_begin[], bss_end[], stack_bottom[], stack_top[];

static intptr_t semihost(intptr_t operation, const void *argument) {
  register intptr_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

void board_print(const char *text) { semihost(0x04, text); /* SYS_WRITE0 */ }

void board_print_hex(uint32_t value) {
  char text[10];
  int i;
  for (i = 0; i < 8; ++i) text[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
  text[8] = ' ';
  text[9] = 0;
  board_print(text);
}

void board_print_int(int value) {
  char text[12];
  char *next = text + sizeof text - 1;
  unsigned rest = value < 0 ? 0u - (unsigned)value : (unsigned)value;
  *next = 0;
  do *--next = (char)('0' + rest % 10);
  while ((rest /= 10) != 0);
  if (value < 0) *--next = '-';
  board_print(next);
}

void board_exit(int status) {
  const intptr_t reason[2] = {0x20026 /* ADP_Stopped_ApplicationExit */, status};
  semihost(0x20 /* SYS_EXIT_EXTENDED */, reason);
  for (;;) {
  }
}

/* Words that nobody has written since the start; the stack grows down. */
#define PAINT 0xc0dec0deu

void board_paint(uint32_t *begin, uint32_t *end) {
  while (begin < end) *begin++ = PAINT;
}
unsigned board_used_from_top(const uint32_t *begin, const uint32_t *end) {
  while (begin < end && *begin == PAINT) ++begin;
  return (unsigned)((const char *)end - (const char *)begin);
}
unsigned board_used_from_bottom(const uint32_t *begin, const uint32_t *end) {
  while (begin < end && end[-1] == PAINT) --end;
  return (unsigned)((const char *)end - (const char *)begin);
}

unsigned board_stack_of(void (*function)(void)) {
  uint32_t *top, *word;
  __asm__ volatile("mov %0, sp" : "=r"(top));
  /* Painted here, since a function that does it would have its own frame there. */
  for (word = stack_bottom; word < top; ++word) *(volatile uint32_t *)word = PAINT;
  function();
  return board_used_from_top(stack_bottom, top);
}

void reset(void) {
  uint32_t *word;
  *(volatile uint32_t *)0xe000ed88 |= 0xfu << 20; /* CPACR: the FPU is there for all */
  __asm__ volatile("dsb\n\tisb");
  for (word = bss_begin; word < bss_end; ++word) *word = 0;
  board_exit(main());
}

static void fault(void) {
  board_print("fault\n");
  board_exit(99);
}

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[16] = {
    (uintptr_t)stack_top, (uintptr_t)reset, (uintptr_t)fault, (uintptr_t)fault, (uintptr_t)fault, (uintptr_t)fault, (uintptr_t)fault};
