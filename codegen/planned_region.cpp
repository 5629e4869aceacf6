#include "codegen/planned_region.h"

#include "codegen/emit_launch.h"
#include "codegen/memory_plan.h"

namespace tsc::codegen {

void PlannedRegion::emit(Writer& out) {
  TSC_ASSERT(call_.symbols.empty());
  for (const NodeId id : groups_) group_functions_.push_back(emit_group(group_, id, false, out));
  const int64_t alignment = model_.options.target.alignment();
  std::vector<PlannedBlock> blocks;
  for (const Buffer& buffer : buffers_) {
    blocks.push_back({.bytes = *buffer.bytes.constant(), .first = buffer.first, .last = buffer.last});
  }
  memory_bytes_ = plan_memory(blocks, alignment);
  out.blank();
  out.comment(describe());
  out.open("static void {}([[maybe_unused]] Context& ctx{}{})", call_.function,
           memory_bytes_ > 0 ? ", char* memory" : "", parameters());
  for (size_t i = 0; i < buffers_.size(); ++i) {
    out.line("{0}* const {1} = at<{0}>(memory, {2});  // {3}", buffers_[i].element, buffers_[i].name, blocks[i].offset,
             shape_comment(graph_, graph_.value(buffers_[i].value).type));
  }
  for (const GroupFunction& function : group_functions_)
    out.line("{}(ctx{});", function.function, call_operands(function));
  for (size_t i = 0; i < copies_.size(); ++i) {
    emit_copy(group_, graph_.block(body_).results[copies_[i]], copy_names_[i], out);
  }
  out.close();
}

std::string PlannedRegion::describe() const {
  std::string text = summary();
  if (const size_t end = text.find(';'); end != std::string::npos) text.resize(end);
  if (memory_bytes_ == 0) return text + (text.ends_with(".") ? "" : ".");
  return fmt::format("{}; {} in {} bytes.", text,
                     buffers_.size() == 1 ? "1 buffer" : fmt::format("{} buffers", buffers_.size()), memory_bytes_);
}

}  // namespace tsc::codegen
