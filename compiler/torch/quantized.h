// Quantised models. Their tensors and packed parameters become tuples of plain tensors and numbers (the classes below),
// and each op on them a function of decompositions/quantized.py, so that nothing behind the import knows of
// quantisation:
//
//   Quantized(values, scale, zero_point)              a tensor of quint8: scale * (values - zero_point), values uint8
//   PackedLinear(weight, scale, zero_point, bias)     an int8 weight with numbers per tensor (0-d) or per channel;
//                                                     zero_point is None where it is zero, bias where there is none
//   PackedConv2d(the same, stride, padding, dilation, groups)
//   PackedCell(input, hidden, reduce_range)           the two products of a layer of a recurrent network
//
// Which values are quantised is known from the ops that make them, along branches, loops, lists and tuples. A value
// that is quantised on some paths only, or that meets an op without a function, is refused by name.
#pragma once

#include <optional>

#include "compiler/torch/program.h"

namespace tsc {

// The type of this name: "Quantized", "PackedLinear"; null for others.
c10::TypePtr quantized_type(const std::string& name);
bool is_quantized_type(const c10::TypePtr& type);
bool is_packed_type(const c10::TypePtr& type);  // one of these but Quantized

// Puts tuples in the place of packed parameters and quantised tensors among the modules' attributes. Those of kinds
// that are not known stay, and are refused where they are used.
void unpack_quantized_attributes(Program& program);

// Whether an overload has a function in decompositions/quantized.py.
bool has_quantized_function(const c10::FunctionSchema& schema);

// Lowers one method as above. True when something changed.
bool lower_quantized(const Program& program, const MethodGraph& method, Diagnostics& diagnostics);

}  // namespace tsc
