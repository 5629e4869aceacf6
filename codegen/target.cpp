#include "codegen/target.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/TargetParser/Host.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

namespace tsc::codegen {
namespace {

struct Row {
  std::string_view name, triple, cpu, features;
  int vector_bytes, vector_registers;
  int64_t l1_bytes, l2_bytes;
};

constexpr Row kRows[] = {
#define TSC_TARGET(...) {__VA_ARGS__},
#define TSC_DEVICE(...)
#define TSC_MICROCONTROLLER(...)
#include "codegen/targets.def"
#undef TSC_TARGET
#undef TSC_DEVICE
#undef TSC_MICROCONTROLLER
};

struct BareRow {
  std::string_view name, triple, cpu, features;
  int registers;
  int64_t fast_bytes;
  std::string_view gcc_options;
};

constexpr BareRow kBare[] = {
#define TSC_TARGET(...)
#define TSC_DEVICE(...)
#define TSC_MICROCONTROLLER(...) {__VA_ARGS__},
#include "codegen/targets.def"
#undef TSC_TARGET
#undef TSC_DEVICE
#undef TSC_MICROCONTROLLER
};

struct DeviceRow {
  std::string_view name, host, compiler, option, suffix, library;
};

constexpr DeviceRow kDevices[] = {
#define TSC_TARGET(...)
#define TSC_DEVICE(...) {__VA_ARGS__},
#define TSC_MICROCONTROLLER(...)
#include "codegen/targets.def"
#undef TSC_TARGET
#undef TSC_DEVICE
#undef TSC_MICROCONTROLLER
};

Target from_row(const Row& row) {
  Target target{.name = std::string(row.name),
                .triple = std::string(row.triple),
                .cpu = std::string(row.cpu),
                .features = {},
                .vector_bytes = row.vector_bytes,
                .vector_registers = row.vector_registers,
                .l1_bytes = row.l1_bytes,
                .l2_bytes = row.l2_bytes,
                .device = {},
                .gcc_options = {}};
  std::stringstream features{std::string(row.features)};
  for (std::string feature; std::getline(features, feature, ',');) target.features.push_back(feature);
  return target;
}

// The row whose vectors the host has, with the host's own CPU, features and caches.
Target native_target() {
  const auto host = llvm::sys::getHostCPUFeatures();
  const bool is_arm = llvm::StringRef(llvm::sys::getProcessTriple()).starts_with("aarch64");
  // The instructions that x86-64-v4 stands for; a CPU that lacks one of them runs the v3 code.
  const bool has_avx512 = host.lookup("avx512f") && host.lookup("avx512bw") && host.lookup("avx512dq") &&
                          host.lookup("avx512vl") && host.lookup("avx512cd");
  Target target = *find_target(is_arm ? "aarch64" : has_avx512 ? "x86-64-v4" : "x86-64-v3");
  if (!is_arm && !(host.lookup("avx2") && host.lookup("fma"))) {
    target.vector_bytes = 16;
  }
  target.name = "native";
  target.triple = is_arm ? "aarch64-unknown-linux-gnu" : "x86_64-unknown-linux-gnu";
  target.cpu = llvm::sys::getHostCPUName().str();
  target.features.clear();
  for (const auto& feature : host) {
    target.features.push_back((feature.getValue() ? "+" : "-") + feature.getKey().str());
  }
  std::sort(target.features.begin(), target.features.end());
  if (long bytes = sysconf(_SC_LEVEL1_DCACHE_SIZE); bytes > 0) target.l1_bytes = bytes;
  if (long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE); bytes > 0) target.l2_bytes = bytes;
  return target;
}

}  // namespace

std::optional<Target> find_target(std::string_view name) {
  if (name == "native") return native_target();
  for (const Row& row : kRows) {
    if (row.name == name) return from_row(row);
  }
  for (const BareRow& row : kBare) {
    if (row.name != name) continue;
    Target target = from_row({row.name, row.triple, row.cpu, row.features, 0, row.registers, row.fast_bytes, row.fast_bytes});
    target.is_bare = target.is_freestanding = true;
    target.gcc_options = row.gcc_options;
    return target;
  }
  for (const DeviceRow& row : kDevices) {
    if (row.name != name) continue;
    Target target = *find_target(row.host);
    target.name = row.name;
    target.device = Device{.compiler = std::string(row.compiler),
                           .option = std::string(row.option),
                           .suffix = std::string(row.suffix),
                           .library = std::string(row.library)};
    return target;
  }
  return std::nullopt;
}

std::string portable_cpu(const Target& target) {
  if (target.triple.starts_with("riscv64")) return "rv64gc";
  if (!target.is_x86()) return "armv8-a";
  return target.vector_bytes == 64 ? "x86-64-v4" : target.vector_bytes == 32 ? "x86-64-v3" : "x86-64-v2";
}

std::vector<std::string> definitions(const Target& target) {
  std::vector<std::string> all = {"TSC_VECTOR_BYTES=" + std::to_string(target.vector_bytes),
                                  "TSC_VECTOR_REGISTERS=" + std::to_string(target.vector_registers)};
  if (target.is_freestanding && target.vector_bytes == 0) all.push_back("TSC_SCALARS");
  if (target.device) all.push_back("TSC_DEVICE");
  return all;
}

std::string target_names() {
  std::string names = "native";
  for (const Row& row : kRows) names += ", " + std::string(row.name);
  for (const BareRow& row : kBare) names += ", " + std::string(row.name);
  for (const DeviceRow& row : kDevices) names += ", " + std::string(row.name);
  return names;
}

}  // namespace tsc::codegen
