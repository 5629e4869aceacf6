// The text form of the IR. `parse` reads it back: print(parse(print(g))) == print(g).
//
//   graph "resnet18"
//   hint x.0 = 1
//   class.0 State(h: f32[*], count: int)                 # fields; `name: type = value` for an enum's members
//   state "decoder.h": f32[1, 8] = @decoder.h
//   require size 1, 0: y.0 = x.0, "message"  # model.py:90  # what the entry of the next function checks: size 0 of
//   require equal: x.0*2 = z.0, "message"                   # input 1; also `rank 0: 4` and `dtype 0: i64`
//   traced func forward(%x: f32[x.0, 3], %n: int = 3) {  # "local func" can't be called from outside
//     %y: f32[x.0, 3] = relu %x  # model.py:97
//     %s: list[int]<x.0, 3> = size %y                    # <...>: what is known of ints
//     %z: f32[x.0, 3] = if true {
//       yield %y
//     } else {
//       %a: f32[x.0, 3] = add_ %y, @bias, 1              # op_ in place
//       yield %a
//     }
//     %l: int = loop %n, true, 0 do (%i: int, %c: int) {
//       yield true, %i
//     }
//     return %z
//   }
//   tensor @bias: f32[3] = [0.5, 1.0, -2.0]
//   tensor @weight: f32[64, 64] strides [1, 64] = hash 0x0123456789abcdef
//
// Constants stand where they are used: 1, 2.0, true, none, "text", [1, 2], (1, "a"), {"k": 1}, {:}, complex(1.0, 2.0),
// device("cpu"), @tensor; `[] as list[int]` where the text alone would tell another type. Attributes follow the
// operands: {field="h", axis=1}. A tensor of more than 16 elements is told by a hash of its contents; of the call stack
// of a node only the innermost line is told, of a constant's storage nothing.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace tsc::ir {

std::string print(const Graph& graph);
// One function, without the tables. A node with its blocks; names of values may repeat in the latter.
std::string print_function(const Graph& graph, FunctionId function);
std::string print_node(const Graph& graph, NodeId node);
// "%x", "3", "@weight": as a node's operand.
std::string print_value(const Graph& graph, ValueId value);

// The element type that a list of elements of these types has when its text does not tell it.
Type natural_element_type(const std::vector<Type>& elements);

}  // namespace tsc::ir
