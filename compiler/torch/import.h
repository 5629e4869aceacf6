// Reads a TorchScript archive into a Graph.
//
// The result has one function per method, all submodules inlined. Module attributes that no method writes are
// constants, named by their path in the module tree; tied tensors share one Storage. Attributes that some method writes
// are state fields: `state_get` yields the attribute's value itself, so that in-place ops on it change the state.
// Fields whose initial tensors share a Storage are views of one memory and stay so.
//
// Types come from the archive: a traced input's dtype and rank are known and its sizes are symbols "<input>.<axis>"
// whose example values are Graph::hints; tensors of scripted code have no dtype or rank but those of the given specs.
//
// Conventions of the imported nodes, beyond ops.def:
//   isinstance          attribute "types": the Type texts to test for; "list" and "tuple" are any
//   attr_get, attr_set, object_new   attribute "field"; the class is in the value's type
//   tuple_slice         attributes "begin", "end"
//   a kEnum constant    the index of the member in its ClassType
//   a kClass constant   the list of its fields
//   a kOptional value   a constant of optional type holds the element's value, or none
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "compiler/diagnostic.h"
#include "compiler/ir/graph.h"
#include "compiler/torch/input_spec.h"

namespace tsc {

// What the sizes of a traced example say of other inputs.
enum class ExampleSizes : uint8_t { kHints, kPromises };

struct ImportOptions {
  std::string path;
  std::vector<InputSpec> inputs;     // override what the archive says
  ExampleSizes sizes = ExampleSizes::kHints;
  std::vector<std::string> methods;  // empty: forward and all methods whose name doesn't begin with "_"
};

// The graph, or everything that keeps it from being compiled. Never throws for a bad file or model.
// A scripted file doesn't tell methods that its author exported from those that forward calls. Where no methods are
// asked for and some of the latter keep the model from being compiled (a loss, which only training needs), they are left
// out, and notes say so.
std::variant<ir::Graph, std::vector<Diagnostic>> import_model(const ImportOptions& options,
                                                              std::vector<Diagnostic>* notes = nullptr);

}  // namespace tsc
