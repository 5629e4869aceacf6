// What all emitters share: C++ types and expressions for the IR's, the library's weights, and names.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "codegen/emit.h"
#include "codegen/kernel_table.h"
#include "codegen/writer.h"
#include "compiler/ir/graph.h"

namespace tsc::codegen {

// The C++ type of a value in a host program: "Tensor", "List<i64>", "Tuple<Tensor, Str>".
std::string cpp_type(const ir::Graph& graph, const ir::Type& type);
// The C++ name of a class: the user's, with its number where another class or the runtime has that name.
std::string class_name(const ir::Graph& graph, ir::ClassId id);
// True when the function, or one that it calls, reads or writes the instance's state.
bool uses_state(const ir::Graph& graph, const ir::Function& function);
// Whether it needs the instance's generator.
bool draws_random_numbers(const ir::Graph& graph, const ir::Function& function);
// The element type of a kernel's pointer: "float", "i64", "bool".
std::string cpp_element(ir::DType dtype);
// What kernels compute such elements in: themselves, halves in float.
std::string cpp_value(ir::DType dtype);
std::string dtype_constant(ir::DType dtype);  // "DType::kFloat32"

// What makes an atom of its operands: the runtime's function, and a word for the names of what it gives.
struct SizeFunction {
  ir::Dim::AtomKind kind;
  const char* cpp;
  const char* word;
};
const SizeFunction& size_function(ir::Dim::AtomKind kind);  // of any kind but symbols

// What a symbol or another atom of a size is called; every symbol has a name, and other atoms are written out where it
// is "".
using AtomName = std::function<std::string(const ir::Dim::Atom&)>;
// A size expression.
std::string cpp_dim(const ir::Dim& dim, const AtomName& name);
// An atom other than a symbol, written out, with names for what is in it: "floor_div(x_2 - 1, 2)".
std::string cpp_atom(const ir::Dim::Atom& atom, const AtomName& name);

// "f32[x.0, 64, 56, 56] at 1x64x56x56": for comments. With hints, the example's sizes.
std::string shape_comment(const ir::Graph& graph, const ir::Type& type);
// The lines of the user's own files, innermost first, files without folders: torch's own modules say
// little, unless there is nothing else.
std::vector<ir::SourceFrame> user_frames(const ir::Source& source);
// The innermost of them, "resnet.py:97"; "" when unknown.
std::string source_comment(const ir::Source& source);

// The constants of one model in its data section: each is placed once, however often it is used.
class Weights {
 public:
  // Byte offset of a constant's elements in row-major order.
  size_t place(const std::shared_ptr<const ir::TensorConstant>& tensor);
  // The same for a form that `pack` makes of it, of so many floats, named by `form` ("panels 4").
  size_t place(const std::shared_ptr<const ir::TensorConstant>& tensor, const std::string& form, int64_t floats,
               PackWeight pack);
  std::vector<WeightItem> items;
  size_t size = 0;
  size_t alignment = 64;  // of each

 private:
  size_t append(WeightItem item);
  std::map<std::string, size_t> offsets_;
};

// What --profile times: a group, a generic op, or a copy, which has no node.
struct ProfileRow {
  std::string method;
  std::string name;
  std::string kind;
  ir::NodeId node = ir::kNoId;
};

// What is collected while one model is emitted.
struct ModelContext {
  const ir::Graph& graph;
  const EmitOptions& options;
  Names names;          // of the namespace
  std::map<std::string, std::string> functions;  // of the IR -> their names there
  std::map<ir::ClassId, Scope> fields;
  Scope state;
  Scope symbols;  // fields of the structs of sizes
  Weights weights;
  std::set<std::string> headers;  // "runtime/kernels/gemm.h"
  Writer device, device_interface;        // of targets with a device: its functions, and what the host calls of them
  std::set<std::string> device_headers;
  std::vector<ReportEntry> report;
  std::string weights_symbol;
  std::map<std::string, std::string> functors;   // text without the name -> the name
  std::map<std::string, std::string> constants;  // declaration of a constant of the namespace -> its name
  std::vector<std::vector<ir::SourceFrame>> sources;  // Python positions that errors can name, numbered from 1
  std::map<std::string, int> source_indices;          // their text -> their number
  size_t arena_bytes = 0;
  int64_t scratch_bytes = 0;  // the most that a kernel of a freestanding program's method asks for
  std::string method;  // the function that is being emitted
  std::vector<ProfileRow> profile;
  std::string profile_name, watch_name;  // of the counters' namespace, and of a region's Stopwatch

  explicit ModelContext(const ir::Graph& g, const EmitOptions& o) : graph(g), options(o) {}
  int source_index(ir::SourceId id);  // 0 when nothing is known
};

// A region as the host program calls it.
struct RegionCall {
  std::string function;                // takes (ctx, sizes, inputs..., outputs...)
  std::string sizes;                   // the struct of run-time sizes, "" when all sizes are constants
  std::vector<std::string> symbols;    // its fields, in order, as symbols of the IR
  std::vector<ir::ValueId> inputs;     // tensors, dense
  std::vector<ir::ValueId> outputs;    // the region's results; they are new dense tensors
};

// Writes a region's functions to `out` and says how to call it. `wish` is the name: "forward".
RegionCall emit_region(ModelContext& model, const ir::Node& region, const std::string& wish, Writer& out);

// "forward_layer1" for a region whose groups are all of one module, "forward_from_conv1" else; "forward_region" for the only
// region of the method, whose body and name are given.
std::string region_name(const ir::Graph& graph, ir::BlockId body, const ir::Node& region, const std::string& method);

// Why a node runs on the host, for --report.
std::string generic_reason(const ModelContext& model, const ir::Node& node);

// Writes the host program of all functions.
void emit_host(ModelContext& model, Writer& out);

}  // namespace tsc::codegen
