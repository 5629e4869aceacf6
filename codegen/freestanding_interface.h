// What C sees of a freestanding model: its functions with their inputs, outputs and bytes of memory, and the header
// that tells them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/type.h"

namespace tsc::codegen::freestanding {

// An input or an output of a C function: a tensor of fixed sizes, of which C gets a pointer, or a number.
struct Port {
  std::string name;
  ir::Type type;
  bool is_output = false;
};

// A part of the state: a tensor of fixed sizes or a number, in a block of memory that the caller gives.
struct StateVariable {
  std::string name;
  ir::Type type;
  int64_t offset = 0;  // bytes from the block's begin
};

// What methods keep between calls. Without any, there is no block and no function.
struct State {
  std::vector<StateVariable> variables;
  int64_t bytes = 0;
  std::string initialiser;  // the function that makes a block what it is in the file: int symbol(void *state)
};

// One function: int symbol(inputs..., outputs..., [void *state,] void *arena).
struct Method {
  std::string symbol;  // "net_forward"
  std::vector<Port> inputs, outputs;
  bool uses_state = false;
  int64_t arena_bytes = 0;
  // Of a compiled one: what a call takes of the stack, without what the functions outside take that are called from
  // there; none where that has no bound that is known when it is compiled.
  std::optional<int64_t> stack_bytes = {};
};

struct Interface {
  std::string name;         // with which all of C's names begin
  std::string target_name;  // that it was made for
  int64_t alignment = 0;    // bytes; of each arena
  int64_t weights_bytes = 0;
  State state = {};
  std::vector<Method> methods = {};
  bool is_compiled = false;               // stack and functions outside are known
  std::vector<std::string> outside = {};  // functions of libc and libm that it calls
};

std::string upper(std::string_view text);
// A tensor all of whose sizes are known, and not 0.
bool has_fixed_size(const ir::Type& type);
int64_t count_of(const ir::Type& type);  // elements of such a tensor
bool is_number(const ir::Type& type);    // an int, a float or a bool
std::string number_type(const ir::Type& type);
// Whether C has a type for the elements.
bool is_c_element(ir::DType dtype);

// "net_forward(const float *x, float *y, void *arena)".
std::string signature(const Method& method);
// "expf, fmodf or memcpy"
std::string outside_text(const Interface& interface);
std::string header_text(const Interface& interface);

}  // namespace tsc::codegen::freestanding
