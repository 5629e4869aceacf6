// What the command line asks for, checked: all that can be refused before a model is read.
#pragma once

#include <string>
#include <vector>

#include "codegen/target.h"
#include "compiler/pipeline.h"
#include "compiler/torch/import.h"

namespace tsc {

enum class OutputKind { kSharedLibrary, kArchive, kObject, kIr, kHeader, kAssembly, kSourceFolder };

struct ModelPlan {
  std::string name;  // a C identifier, unique
  ImportOptions import;
};

struct Plan {
  OutputKind kind = OutputKind::kSharedLibrary;
  codegen::Target target;
  std::vector<ModelPlan> models;
};

// Throws CompileError with everything that is wrong.
Plan make_plan(const Options& options);

}  // namespace tsc
