// What the user says of an input: `--input 'x: f32[1..8, 3, h, 224]'`.
//
//   spec   = [name ":"] dtype ["[" dims "]"]
//   dims   = "*" (rank unknown) | nothing (0-d) | dim {"," dim}
//   dim    = 3 | h (a symbol) | 1..8 (any of these sizes) | h=1..8 | "?" (any size)
//
// Dtypes are written "f32" or "float32"; "?" leaves the dtype open. Nested inputs are named by path: "x.word.0".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "compiler/ir/type.h"

namespace tsc {

struct DimSpec {
  std::optional<int64_t> constant;
  std::string symbol = {};          // of a size that may vary; "" is named after the input and the axis
  std::optional<int64_t> low = {};  // the range, both or none
  std::optional<int64_t> high = {};
};

struct InputSpec {
  std::string name;  // "" is the input of the same position
  ir::DType dtype = ir::DType::kUnknown;
  bool rank_known = false;
  std::vector<DimSpec> dims;

  // The tensor type for the input called `input_name`.
  ir::Type type(std::string_view input_name) const;
};

// The spec, or what is wrong with the text.
std::variant<InputSpec, std::string> parse_input_spec(std::string_view text);

}  // namespace tsc
