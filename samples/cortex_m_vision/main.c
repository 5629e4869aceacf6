/* Says whether somebody is in the picture, and whether that is what PyTorch says. */
#include <stdbool.h>
#include <stdint.h>

#include "board.h"
#include "example.h"
#include "net.h"

static uint64_t arena[(NET_FORWARD_ARENA_BYTES + 7) / 8];
static float result[NET_FORWARD_Y_COUNT];
static int status;

static void call(void) { status = net_forward(example_input, result, arena); }

static void print(const char *what, int number) {
  board_print(what);
  board_print_int(number);
  board_print("\n");
}

int main(void) {
  const unsigned stack = board_stack_of(call);
  bool same = true;
  int i;
  for (i = 0; i < NET_FORWARD_Y_COUNT; ++i) {
    const float error = result[i] - example_result[i];
    same = same && error < 1e-5f && error > -1e-5f;
    print("probability in millionths: ", (int)(1e6f * result[i]));
  }
  print("arena: ", NET_FORWARD_ARENA_BYTES);
  print("weights: ", NET_WEIGHTS_BYTES);
  print("stack, with that of the caller: ", (int)stack);
  print("stack that the header tells: ", NET_FORWARD_STACK_BYTES);
  board_print(status == NET_OK && same ? "as PyTorch\n" : "not as PyTorch\n");
  return status == NET_OK && same ? 0 : 1;
}
