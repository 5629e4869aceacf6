// The elements of constant tensors, one at a time: for the text form, folding of small constants and tests. Bulk work
// goes to the storage's bytes.
#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "compiler/ir/graph.h"

namespace tsc::ir {

using Element = std::variant<bool, int64_t, double, std::complex<double>>;

// All elements in row-major order, whatever the strides.
std::vector<Element> read_elements(const TensorConstant& tensor);

// A contiguous tensor of the same dtype: each element as a double times scale[channel], rounded once. The channel is the
// index along `axis`; the dtype is floating.
std::shared_ptr<TensorConstant> scale_channels(const TensorConstant& tensor, size_t axis, std::span<const double> scale);

// A contiguous tensor with these elements, each converted to the dtype; their count is that of the sizes.
std::shared_ptr<TensorConstant> make_tensor_constant(std::string name, DType dtype, std::vector<int64_t> sizes,
                                                     std::span<const Element> elements);
// The same, filled with zeros, which take no memory until they are touched.
std::shared_ptr<TensorConstant> make_zero_tensor(std::string name, DType dtype, std::vector<int64_t> sizes);

// Depends on the elements' bytes in row-major order and on nothing else.
uint64_t hash_elements(const TensorConstant& tensor);

}  // namespace tsc::ir
