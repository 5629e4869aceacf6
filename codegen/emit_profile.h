// The table of a library made with --profile: what is timed, and the statements that time it. Without the option
// nothing of this is emitted.
#pragma once

#include "codegen/emit_common.h"

namespace tsc::codegen {

// A statement that ends the time of a new row and counts its work: "watch.lap(profile::times[3], {236027904,
// 5435392});". `watch` is the Stopwatch that measures it.
std::string profile_lap(ModelContext& model, const std::string& watch, ProfileRow row, const std::string& work = "");
// The work of a group as an initialiser, by the sizes of its region.
std::string profile_work(const ModelContext& model, const ir::Node& group,
                         const std::function<std::string(const ir::Dim&)>& size);

// The counters, which come before the functions, and the table.
void emit_profile_times(const ModelContext& model, Writer& out);
void emit_profile_table(const ModelContext& model, Writer& out);

}  // namespace tsc::codegen
