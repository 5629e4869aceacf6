// Prints the IR of a model, or runs passes on IR text:
//   tsc-opt model.pt                                  the IR as imported
//   tsc-opt model.tir -p infer,fuse_groups            text in, text out
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "compiler/diagnostic.h"
#include "compiler/ir/infer.h"
#include "compiler/ir/parse.h"
#include "compiler/ir/print.h"
#include "compiler/ir/verify.h"
#include "compiler/torch/import.h"
#include "passes/passes.h"

namespace tsc {
namespace {

// `infer` is a step of the pipeline that lives with the IR; all others are passes.
void (*find_step(const std::string& name))(ir::Graph&) {
  if (name == "infer") return ir::infer;
  const passes::Pass* pass = passes::find_pass(name);
  return pass == nullptr ? nullptr : pass->run;
}

std::string known_steps() {
  std::string names = "infer";
  for (const passes::Pass& pass : passes::all_passes()) names += ", " + std::string(pass.name);
  return names;
}

ir::Graph parse_text(const std::string& text, const std::string& path) {
  auto result = ir::parse(text);
  if (const auto* error = std::get_if<ir::ParseError>(&result)) {
    Diagnostic diagnostic = make_diagnostic(Error::bad_ir_text, error->message);
    diagnostic.file = fmt::format("{}:{}:{}", path, error->line, error->column);
    throw CompileError(std::move(diagnostic));
  }
  return std::move(std::get<ir::Graph>(result));
}

ir::Graph read_graph(const std::string& path) {
  if (path == "-") return parse_text({std::istreambuf_iterator<char>(std::cin), {}}, "stdin");
  const std::string suffix = std::filesystem::path(path).extension();
  if (suffix == ".tir" || suffix == ".ir") {
    std::ifstream stream(path, std::ios::binary);
    if (!stream) {
      Diagnostic diagnostic = make_diagnostic(Error::missing_file);
      diagnostic.file = path;
      throw CompileError(std::move(diagnostic));
    }
    return parse_text({std::istreambuf_iterator<char>(stream), {}}, path);
  }
  auto result = import_model({.path = path, .inputs = {}, .methods = {}});
  if (auto* diagnostics = std::get_if<std::vector<Diagnostic>>(&result)) {
    for (Diagnostic& diagnostic : *diagnostics) diagnostic.file = path;
    throw CompileError(std::move(*diagnostics));
  }
  return std::move(std::get<ir::Graph>(result));
}

void verify_after(const std::string& step, const ir::Graph& graph) {
  const std::vector<std::string> faults = ir::verify(graph);
  TSC_ASSERT(faults.empty(), "after {}:\n  {}", step, fmt::join(faults, "\n  "));
}

void run_steps(const std::string& path, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (find_step(name) == nullptr) throw CompileError(make_diagnostic(Error::unknown_pass, name, known_steps()));
  }
  ir::Graph graph = read_graph(path);
  verify_after("reading", graph);
  for (const std::string& name : names) {
    find_step(name)(graph);
    verify_after(name, graph);
  }
  std::fputs(ir::print(graph).c_str(), stdout);
}

int run(int argc, char** argv) {
  std::string path;
  std::vector<std::string> names;
  CLI::App app("Prints the IR of a TorchScript file, or of IR text after some passes.", "tsc-opt");
  app.footer("Passes: " + known_steps());
  app.add_option("file", path, "model.pt, IR text in model.tir, or - for IR text on the standard input")->required();
  app.add_option("-p,--passes", names, "Passes to run, in this order")->delimiter(',')->type_name("PASS,...");
  CLI11_PARSE(app, argc, argv);
  try {
    run_steps(path, names);
    return kExitComplete;
  } catch (const CompileError& error) {
    std::fputs(error.what(), stderr);
    return kExitUserError;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tsc-opt: internal error: %s\n", error.what());
    return kExitInternalError;
  }
}

}  // namespace
}  // namespace tsc

int main(int argc, char** argv) { return tsc::run(argc, argv); }
