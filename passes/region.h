// What a region can hold, and how its tensors lie in memory.
//
// A region is a straight-line run of pure tensor ops of known dtype and rank, whose sizes are expressions over sizes
// known where it starts. Inside, views cost nothing: they are addresses (root buffer, offset, strides).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace tsc::passes {

// Which floating-point dtypes the target's kernels take beside float64, which only pointwise work has.
enum class Floats : uint8_t { kSingle, kSingleAndHalves };
bool is_half(ir::DType dtype);  // float16 or bfloat16

// Why a node can't be in a region; empty when it can.
std::string region_obstacle(const ir::Graph& graph, const ir::Node& node, Floats floats = Floats::kSingle);

// outline_regions for a target that keeps more out of regions than region_obstacle does.
using Obstacle = std::function<std::string(const ir::Graph& graph, const ir::Node& node)>;
// Views at the ends of regions stay on the host, where they are handles, or are copied at the region's end.
enum class Views : uint8_t { kOnHost, kInRegions };
void outline_regions(ir::Graph& graph, const Obstacle& obstacle, Views views = Views::kOnHost);

// Sizes that must be equal for a node to be right. Those that are not provably so are checked before its region runs.
struct SizePair {
  ir::Dim a, b;
};
std::vector<SizePair> region_requirements(const ir::Graph& graph, const ir::Node& node);

// Where a value's elements are: element [i, j, ...] at root[offset + i * strides[0] + j * strides[1] + ...]. Only for
// values in the plain layout.
struct Address {
  ir::ValueId root;
  ir::Dim offset;
  std::vector<ir::Dim> strides;
};

// Row-major strides of dense dims.
std::vector<ir::Dim> dense_strides(const std::vector<ir::Dim>& dims);
bool is_dense(const ir::Graph& graph, ir::ValueId value, const Address& address);
// When the elements are rows of a matrix (the last dim contiguous, all others merged into one): the distance of rows.
std::optional<ir::Dim> row_stride(const ir::Graph& graph, ir::ValueId value, const Address& address);

// The address of a view node's first output, given its operand's; nullopt when the elements must be copied (a reshape
// of strides that do not merge).
std::optional<Address> view_address(const ir::Graph& graph, const ir::Node& node, const Address& operand);

// Whether the op gives another address of its operand's elements (not a copy), by class and op.
bool is_view(const ir::Node& node);

// Addresses of all values that a region's body makes or sees. A reshape that must copy is its own root.
std::map<ir::ValueId, Address> region_addresses(const ir::Graph& graph, ir::BlockId body);

// How an epilogue reads an operand beside the anchor's result.
enum class EpilogueOperand : uint8_t {
  kNone,     // it can't: the operand has another shape
  kSame,     // the element at the result's own position
  kChannel,  // one element per channel
  kScalar,   // one element
};
// The dim that a kernel calls channel: 1 for images, the last otherwise.
int64_t channel_axis(const ir::Node& anchor, int64_t rank);
EpilogueOperand classify_epilogue_operand(const ir::Graph& graph, const ir::Node& anchor,
                                          const std::map<ir::ValueId, Address>& addresses, ir::ValueId operand);

}  // namespace tsc::passes
