// Reads the text form that print.h describes. Beyond it, operands that the schema gives a default may be left out at
// the end of a node's operands, lines of comments ("# ...") may stand anywhere, and a `tensor` line may stand before
// its uses.
//
// The result has the structure that the text tells; verify.h tells whether it is a valid program.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "compiler/ir/graph.h"

namespace tsc::ir {

struct ParseError {
  int line = 0;    // from 1
  int column = 0;  // from 1
  std::string message;
};

std::variant<Graph, ParseError> parse(std::string_view text);

}  // namespace tsc::ir
