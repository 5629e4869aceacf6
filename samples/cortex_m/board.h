/* A bare Cortex-M under QEMU with -semihosting. */
#ifndef BOARD_H_
#define BOARD_H_

#include <stdint.h>

int main(void);
void reset(void);

void board_print(const char *text);
void board_print_hex(uint32_t value);
void board_print_int(int value);
void board_exit(int status);

/* How much of memory that was painted has been written, from the end that is used first. */
void board_paint(uint32_t *begin, uint32_t *end);
unsigned board_used_from_top(const uint32_t *begin, const uint32_t *end);
unsigned board_used_from_bottom(const uint32_t *begin, const uint32_t *end);
/* Bytes of stack that a call of the function takes. */
unsigned board_stack_of(void (*function)(void));

#endif
