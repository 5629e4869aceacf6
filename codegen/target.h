// The machine that a library is compiled for: a row of targets.def, or the machine that runs the compiler.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tsc::codegen {

// What runs the regions beside the host, and who compiles for it.
struct Device {
  std::string compiler;  // a program
  std::string option;    // that names the architecture
  std::string suffix;    // of its sources
  std::string library;   // that its objects need
};

struct Target {
  std::string name;                   // as the user says it: "native", "x86-64-v3"
  std::string triple;                 // "x86_64-unknown-linux-gnu"
  std::string cpu;                    // LLVM's name
  std::vector<std::string> features;  // LLVM's names with "+" or "-"
  int vector_bytes = 16;              // of the widest vector register that kernels use
  int vector_registers = 16;
  int64_t l1_bytes = 32 << 10;
  int64_t l2_bytes = 256 << 10;
  std::optional<Device> device;
  bool is_bare = false;       // no operating system
  // Programs are functions over raw pointers with all memory planned, and nothing of the host layer; always so on a bare
  // target.
  bool is_freestanding = false;
  std::string gcc_options;    // of a bare target: "-mcpu=..."

  // Bytes that vectors, and numbers of 64 bits, want their memory aligned to.
  int64_t alignment() const { return is_bare ? 8 : 64; }
  bool is_x86() const { return triple.starts_with("x86_64"); }
};

// nullopt when there is no such target.
std::optional<Target> find_target(std::string_view name);
// "native, x86-64-v3, ..."
std::string target_names();

// The CPU for a compiler's -march: the row that the target is or stands on, never the name of one machine's CPU.
std::string portable_cpu(const Target& target);
// What the runtime's sources are told of the target: "TSC_VECTOR_BYTES=32", ...
std::vector<std::string> definitions(const Target& target);

}  // namespace tsc::codegen
