// From a Graph to the text of a library: C++ sources, the public header, and where each weight goes in the data section.
// The text depends on the graph and the options only, so equal input gives equal bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "codegen/freestanding_interface.h"
#include "codegen/target.h"
#include "compiler/ir/graph.h"

namespace tsc::codegen {

struct EmittedFile {
  std::string name;  // "resnet18.cpp", relative to the output folder
  std::string text;
};

// Makes the packed form of a weight from its elements in row-major order.
using PackWeight = std::function<std::vector<float>(std::span<const float>)>;

// One constant in the data section: the elements of `tensor` in row-major order, or what `pack` makes of them when they
// are written, so that no more than one packed weight is in memory.
struct WeightItem {
  std::string name;
  size_t offset = 0;  // bytes, a multiple of 64
  size_t size = 0;    // bytes
  std::shared_ptr<const ir::TensorConstant> tensor;
  PackWeight pack;
};

// What --report prints, one entry per group or generic op.
struct ReportEntry {
  std::string method;
  std::string name;
  std::string kind;     // "conv2d", "pointwise", "generic", ...
  std::string ops;      // "conv2d + relu"
  std::string kernel;   // row of kernels.def, "" when none
  std::string cost;     // of a group, at the example's sizes: "236.0 MFLOP, 5.2 MB"
  std::string source;   // "resnet.py:97"
  std::string reason;   // why it runs generic, or stayed unfused; "" otherwise
};

struct EmittedModel {
  std::string name;
  std::vector<EmittedFile> sources;     // translation units, compiled each on its own
  std::vector<EmittedFile> device_sources;   // translation units of the device's compiler
  std::vector<EmittedFile> private_headers;  // that these and the others share
  std::vector<EmittedFile> headers;     // public headers: "<name>.h"
  std::vector<WeightItem> weights;
  size_t weights_size = 0;              // bytes of the data section
  std::string weights_symbol;           // hidden symbol at its start, 64-byte aligned
  size_t arena_bytes = 0;               // of the largest region at the example's shapes
  std::vector<ReportEntry> report;
  bool has_profile = false;
  std::optional<freestanding::Interface> interface;  // of a freestanding model, whose header tells it
};

enum class Specialize : uint8_t { kBoth, kStatic, kDynamic };

struct EmitOptions {
  Target target;
  Specialize specialize = Specialize::kBoth;
  std::string source_hash;  // SHA-256 of the model's file, for the metadata
  bool profile = false;     // time each group and generic op
};

// The graph must have been through the passes of the pipeline. Each method becomes an entry of the model.
EmittedModel emit_model(const ir::Graph& graph, const EmitOptions& options);

// The library's own translation unit: the table of its models behind the one exported entry point, tsc_get_library.
EmittedFile emit_library(const std::vector<EmittedModel>& models);

}  // namespace tsc::codegen
