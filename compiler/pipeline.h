// The compiler as a function: options in, files out. `compile_models` lists every step in order.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codegen/emit.h"
#include "passes/passes.h"

namespace tsc {

// The whole command line; main.cpp says what each means to the user.
struct Options {
  std::vector<std::string> inputs;  // "model.pt" or "name=model.pt"
  std::string output;               // "" prints text outputs
  std::string emit;                 // "ir", "source", "header", "asm"; "" goes by the output's suffix
  std::vector<std::string> input_specs;
  std::vector<std::string> methods;
  std::string target = "native";
  std::string name;           // of the only model; "" goes by its file
  bool freestanding = false;  // also where the target has an operating system
  int threads = 1;
  codegen::Specialize specialize = codegen::Specialize::kBoth;
  bool fuse = true;
  bool strict_fusion = false;
  bool profile = false;
  int optimization = 3;
  int jobs = 0;  // 0: as many as the machine has cores
  std::vector<std::string> print_after;
  std::string stop_after;
  bool time_passes = false;
  bool verify_each = false;
  bool report = false;
};

// The steps between import and emission, in order; --print-after and --stop-after know them by their names. Without
// fusion `wrap_groups` stands in for `fuse_groups`.
struct PipelineStep {
  std::string_view name;
  void (*run)(ir::Graph&, const codegen::Target&);
};
std::span<const PipelineStep> pipeline_steps();

// Where the compiler writes text: the IR and reports to `out`, progress and timings to `log`.
struct Streams {
  std::function<void(std::string_view)> out;
  std::function<void(std::string_view)> log;
  bool show_progress = false;
};

// Throws CompileError with everything that is wrong, or InternalError. No output is touched then.
void compile_models(const Options& options, const Streams& streams);

}  // namespace tsc
