// Machine code for devices, by the program that a device's maker provides: the only other program that is started.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "codegen/emit.h"
#include "codegen/native.h"

namespace tsc::codegen {

// Compiles each source to an object for the host's linker, in a temporary folder. Throws CompileError when the program is not
// there.
std::vector<ObjectCode> compile_for_device(std::span<const EmittedFile> sources, std::span<const EmittedFile> headers,
                                           const Target& target, int optimization);

// The static library that such objects need, as the program knows it. Throws CompileError when it is not there.
std::string device_library(const Target& target);

}  // namespace tsc::codegen
