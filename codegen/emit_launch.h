// Regions of a device: each is a function in the device's source that launches one kernel for each group. The host program calls
// it as any region's, with the tensors of its inputs and results instead of their elements, which may be on the device.
#pragma once

#include "codegen/emit_common.h"

namespace tsc::codegen {

// Why a node can't be in a region of the target; "" when it can.
std::string region_obstacle(const Target& target, const ir::Graph& graph, const ir::Node& node);

RegionCall emit_launched_region(ModelContext& model, const ir::Node& region, const std::string& wish);

// The file that the device's compiler gets, and the header that it and the host program share; once all regions have been
// emitted.
// What the device's compiler is told beside the architecture.
std::vector<std::string> device_compile_options(const Target& target);
// The part of a source folder's CMakeLists.txt that builds it; @NAME@, @DEVICE_SOURCES@ and @DEVICE_OPTIONS@ are to be filled.
std::string device_build_template();

// What a shared library of such code needs beside it, for the host.
EmittedFile device_support();

EmittedFile device_source(const ModelContext& model, const std::string& id);
EmittedFile device_header(const ModelContext& model, const std::string& id);

}  // namespace tsc::codegen
