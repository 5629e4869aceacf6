/* board.h where there is an operating system. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

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

#ifdef PLAIN_STACK /* which a sanitizer watches */
unsigned board_stack_of(void (*function)(void)) {
  function();
  return 0;
}
#else
/* The function runs on a stack of its own, which is painted before. */
#define STACK_WORDS (1 << 18)
static uint32_t stack[STACK_WORDS] __attribute__((aligned(64)));
static ucontext_t here, there;
static void (*entry)(void);

static void enter(void) { entry(); }

unsigned board_stack_of(void (*function)(void)) {
  const uint32_t *lowest = stack;
  board_paint(stack, stack + STACK_WORDS);
  entry = function;
  getcontext(&there);
  there.uc_stack.ss_sp = stack;
  there.uc_stack.ss_size = sizeof stack;
  there.uc_link = &here;
  makecontext(&there, enter, 0);
  swapcontext(&here, &there);
  while (lowest < stack + STACK_WORDS && *lowest == PAINT) ++lowest;
  return (unsigned)((const char *)(stack + STACK_WORDS) - (const char *)lowest);
}
#endif
