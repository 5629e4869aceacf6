// The weights of a model as a relocatable ELF file: one read-only section, aligned to 64 bytes, under a hidden symbol.
// The bytes go from the constants' storages to the disk in pieces; no C++ front end ever sees them.
#pragma once

#include <span>
#include <string>

#include "codegen/emit.h"
#include "codegen/target.h"

namespace tsc::codegen {

// Writes the elements of a constant in row-major order, whatever its strides. `out` has element_count() elements.
void copy_elements(const ir::TensorConstant& tensor, std::span<std::byte> out);

// Writes `path` and lets go of each item's data as soon as it is written. Items are sorted by offset; gaps and the end
// up to `size` are zero. Throws CompileError when the disk refuses.
void write_weights_object(std::span<WeightItem> items, size_t size, const std::string& symbol, const Target& target,
                          const std::string& path);

// The section's bytes alone, for sources that are compiled elsewhere. Lets go of the items' data too.
void write_weights_blob(std::span<WeightItem> items, size_t size, const std::string& path);

}  // namespace tsc::codegen
