// --emit=source: a folder that builds with one command and no tsc: the emitted sources and headers, the weights, the
// runtime's files that they include, and a CMakeLists.txt.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "codegen/emit.h"
#include "compiler/output.h"

namespace tsc {

// `library` is the unit that the models have in common, if any; `name` is the library's, `definitions` are of the
// preprocessor, beside the target's. Lets go of the models' weights.
void write_source_folder(std::vector<codegen::EmittedModel>& models, const std::optional<codegen::EmittedFile>& library,
                         const codegen::Target& target, const std::string& name,
                         const std::vector<std::string>& definitions, const OutputFolder& folder);

}  // namespace tsc
