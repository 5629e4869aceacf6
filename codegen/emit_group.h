// Groups: one C++ function each, that calls one kernel with the group's pointwise work as a functor.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "codegen/emit_common.h"
#include "codegen/region_sizes.h"
#include "passes/region.h"

namespace tsc::codegen {

// What the groups of one region share.
struct RegionContext {
  ModelContext& model;
  std::map<ir::ValueId, passes::Address> addresses;
  std::map<ir::ValueId, std::string> pointers;  // roots by their names in the region's function
  RegionSizes sizes;

  // A size in the region's functions, whose parameter `d` is the struct of its sizes.
  std::string size(const ir::Dim& dim) const {
    return cpp_dim(dim, [this](const ir::Dim::Atom& atom) {
      const std::string field = sizes.field(atom);
      return field.empty() ? "" : "d." + field;
    });
  }
};

// A group's function takes (ctx, d if the region has sizes, inputs..., outputs...).
struct GroupFunction {
  std::string function;
  std::vector<ir::ValueId> inputs;   // roots
  std::vector<ir::ValueId> outputs;  // results of the group
};

// Writes the function of a group to `out`. `sized`: it is a template over the region's sizes `d`.
GroupFunction emit_group(RegionContext& region, ir::NodeId group, bool sized, Writer& out);

// Writes a statement that copies a value to `destination`, a dense buffer.
void emit_copy(RegionContext& region, ir::ValueId value, const std::string& destination, Writer& out);

}  // namespace tsc::codegen
