// The weights of a model on their way to the disk. The bytes go from the constants' storages to files in pieces; no C++
// front end ever sees them, and of a shared library's weights the linker sees the size only.
#pragma once

#include <span>
#include <string>

#include "codegen/emit.h"
#include "codegen/target.h"

namespace tsc::codegen {

// Writes the elements of a constant in row-major order, whatever its strides. `out` has element_count() elements.
void copy_elements(const ir::TensorConstant& tensor, std::span<std::byte> out);

// Writes a relocatable ELF file with one read-only section, aligned to 64 bytes, under a hidden symbol, and lets go of
// each item's data as soon as it is written. Items are sorted by offset; gaps and the end up to `size` are zero. Throws
// CompileError when the disk refuses.
void write_weights_object(std::span<WeightItem> items, size_t size, const std::string& symbol, const Target& target,
                          const std::string& path);

// The section's bytes alone, for sources that are compiled elsewhere and for fill_reserved_weights. Lets go of the items'
// data too.
void write_weights_blob(std::span<WeightItem> items, size_t size, const std::string& path);

// Weights of a shared library would go through the linker as mapped input and mapped output: twice the model in memory.
// Instead it links a section that only has a size, in a segment with permissions that nothing else has, of which
// fill_reserved_weights makes a read-only segment at the end of the file.
std::string reserved_weights_object(const std::string& symbol, size_t size, const Target& target);

struct WeightsBlob {
  std::string symbol;
  std::string path;  // a file of write_weights_blob
};
void fill_reserved_weights(const std::string& library, std::span<const WeightsBlob> blobs);

}  // namespace tsc::codegen
