// The command line: options to words, failures to messages and exit codes. What is done is in pipeline.cpp.
#include <malloc.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <new>

#include "compiler/diagnostic.h"
#include "compiler/pipeline.h"
#include "compiler/torch/op_list.h"

namespace tsc {
namespace {

constexpr const char* kDescription =
    "tsc compiles TorchScript files to native libraries that need nothing but libc and libm.\n"
    "\n"
    "  tsc model.pt -o model.so                     one library, load it with dlopen or tsc.load\n"
    "  tsc encoder.pt decoder.pt -o both.so         two models in one library\n"
    "  tsc model.pt --emit=source -o model          C++ sources in a folder, with a CMakeLists.txt\n"
    "  tsc model.pt -o model.o --target=aarch64     an object for another machine\n"
    "  tsc model.pt -o model.o --freestanding       firmware: an object and its header, model.h\n"
    "  tsc model.pt -o model.so --report            tells how each op runs\n"
    "  tsc model.pt --stop-after=simplify           prints the IR with the types that were found";

constexpr const char* kEpilogue =
    "The output's suffix says what is written: .so, .a, .o, .h, .s or .ir. Shapes and dtypes come from the file "
    "(traced\n"
    "models keep their example inputs); nothing needs to be said, but what --input tells makes code faster.\n"
    "\n"
    "Exit code: 0 complete, 1 the model or an option can't be compiled (all reasons are listed), 2 a bug of tsc.";

void add_options(CLI::App& app, Options& options) {
  const char* group = "Input and output";
  app.add_option("models", options.inputs, "TorchScript files (.pt, .zip), or name=file to name a model")
      ->type_name("FILE...")
      ->group(group);
  app.add_option("-o,--output", options.output, "What to write; IR, header and assembly are printed without it")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--emit", options.emit, "What to write, when the suffix doesn't say it")
      ->check(CLI::IsMember({"ir", "source", "header", "asm"}))
      ->group(group);
  app.add_option("--name", options.name, "The model's name, with which its C functions begin. Default: the file's")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--method", options.methods, "Only this method; repeat it for more. Default: all public methods")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->group(group);

  group = "What is known";
  app.add_option(
         "--input", options.input_specs,
         "Dtype and sizes of an input: 'x: f32[1..8, 3, h, 224]'. Names, ranges (1..8), symbols (h) and '?' are "
         "optional; inputs without names go by position; 'model/x: ...' is for one of several models")
      ->type_name("SPEC")
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--target", options.target, "CPU, or GPU beside a CPU, to compile for; see --print-targets")
      ->capture_default_str()
      ->group(group);
  app.add_flag("--freestanding", options.freestanding,
               "C functions over raw pointers and an arena that the caller gives, for firmware: no malloc, no threads, the "
               "example's sizes. Always so for microcontrollers")
      ->group(group);
  const std::map<std::string, codegen::Specialize> specialize = {{"both", codegen::Specialize::kBoth},
                                                                 {"static", codegen::Specialize::kStatic},
                                                                 {"dynamic", codegen::Specialize::kDynamic}};
  app.add_option("--specialize", options.specialize,
                 "Versions of the code: for the example's sizes (static), for all sizes (dynamic), or both")
      ->transform(CLI::CheckedTransformer(specialize, CLI::ignore_case).description(""))
      ->type_name("both|static|dynamic")
      ->default_str("both")
      ->group(group);
  app.add_flag_callback(
         "--static", [&options] { options.specialize = codegen::Specialize::kStatic; }, "As --specialize=static")
      ->group(group);
  app.add_option("--threads", options.threads, "Threads of a call unless the caller says otherwise")
      ->check(CLI::Range(1, 256))
      ->capture_default_str()
      ->group(group);

  group = "Optimisation";
  app.add_flag_callback(
         "--no-fuse", [&options] { options.fuse = false; }, "One kernel per op, to compare with")
      ->group(group);
  app.add_flag("--profile", options.profile,
               "Time each group of ops in the library's calls: see profile() in Python, tsc_get_profile in tsc.h")
      ->group(group);
  app.add_flag("--strict-fusion", options.strict_fusion,
               "Refuse a model of which something runs unfused on inputs like the example's, and say why")
      ->group(group);
  app.add_option("-O", options.optimization, "How hard Clang tries, 0 to 3")
      ->check(CLI::Range(0, 3))
      ->type_name("LEVEL")
      ->capture_default_str()
      ->group(group);
  app.add_option("-j,--jobs", options.jobs, "Threads of the compiler itself; default: all cores")
      ->check(CLI::PositiveNumber)
      ->type_name("N")
      ->group(group);

  group = "What the compiler does";
  app.add_flag("--report", options.report, "Print what was fused, packed and specialised, what runs generic and why")
      ->group(group);
  app.add_flag("--time-passes", options.time_passes, "Print the time of each step")->group(group);
  app.add_option("--print-after", options.print_after, "Print the IR after this pass; see --print-passes")
      ->type_name("PASS")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--stop-after", options.stop_after, "Stop after this pass and write the IR")
      ->type_name("PASS")
      ->group(group);
  app.add_flag("--verify-each", options.verify_each, "Check the IR after each pass")->group(group);
  app.add_flag_callback(
         "--print-targets",
         [] {
           std::printf("%s\n", codegen::target_names().c_str());
           throw CLI::Success();
         },
         "List the targets")
      ->group(group);
  app.add_flag_callback(
         "--print-passes",
         [] {
           for (const PipelineStep& pass : pipeline_steps())
             std::printf("%.*s\n", static_cast<int>(pass.name.size()), pass.name.data());
           throw CLI::Success();
         },
         "List the passes in their order")
      ->group(group);
  app.add_flag_callback(
         "--list-ops",
         [] {
           std::fputs(op_list().c_str(), stdout);
           throw CLI::Success();
         },
         "List PyTorch's operators that are compiled, as a table in Markdown")
      ->group(group);
}

// What a user can do about a bug of ours.
void print_internal_error(const char* what, int argc, char** argv) {
  std::fprintf(stderr, "tsc: internal error: %s\n", what);
  std::fprintf(stderr, "  This is a bug of tsc " TSC_VERSION
                       ", not of your model. No output was written. Please report it with this "
                       "message, the\n  model (or the smallest one that shows it) and the command line:\n ");
  for (int i = 0; i < argc; ++i) std::fprintf(stderr, " %s", argv[i]);
  std::fprintf(stderr, "\n");
}

void write_to(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

int run(int argc, char** argv) {
  Options options;
#ifndef NDEBUG
  options.verify_each = true;
#endif
  CLI::App app(kDescription, "tsc");
  app.footer(kEpilogue);
  app.set_version_flag("--version", "tsc " TSC_VERSION);
  app.get_formatter()->column_width(32);
  add_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "tsc: error: %s [bad_option]\n  advice: tsc --help lists the options\n", error.what());
    return kExitUserError;
  }

  const Streams streams{.out = [](std::string_view text) { write_to(stdout, text); },
                        .log = [](std::string_view text) { write_to(stderr, text); },
                        .show_progress = isatty(STDERR_FILENO) == 1};
  try {
    compile_models(options, streams);
    return kExitComplete;
  } catch (const CompileError& error) {
    write_to(stderr, error.what());
    return kExitUserError;
  } catch (const std::bad_alloc&) {
    write_to(stderr, format_diagnostic(make_diagnostic(Error::out_of_memory)));
    return kExitUserError;
  } catch (const std::exception& error) {
    print_internal_error(error.what(), argc, argv);
    return kExitInternalError;
  }
}

}  // namespace
}  // namespace tsc

int main(int argc, char** argv) {
  // Weights come and go. glibc would raise this threshold to the size of the first one that is freed, and keep the
  // memory of all that follow.
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  return tsc::run(argc, argv);
}
