// Regions: a function template over the region's sizes, one call per group, buffers in slots of one arena.
#include "codegen/emit_launch.h"
#include "codegen/emit_profile.h"
#include "codegen/region_emitter.h"

namespace tsc::codegen {

namespace {

class HostRegion : public RegionEmitter {
 public:
  using RegionEmitter::RegionEmitter;

 private:
  void emit(Writer& out) override {
    emit_sizes(out);
    emit_example(out);
    for (size_t i = 0; i < groups_.size(); ++i) emit_group_function(i, out);
    emit_function(out);
  }

  // The sizes of the example as constants.
  void emit_example(Writer& out) {
    if (!has_example()) return;
    out.comment("The sizes of the example, known when the library is compiled.");
    out.open("struct {}Example", call_.sizes);
    for (const std::string& name : call_.symbols) {
      out.line("static constexpr i64 {} = {};", model_.symbols.of(name), graph_.hints.find(name)->second);
    }
    for (const auto& atom : group_.sizes.derived()) {
      const auto value =
          Dim::make(atom->kind, atom->operands[0], atom->operands[1]).evaluate([&](std::string_view name) {
            return std::optional(graph_.hints.find(name)->second);
          });
      out.line("static constexpr i64 {} = {};", group_.sizes.field(*atom), *value);
    }
    std::string test;
    for (const std::string& name : call_.symbols) {
      test += fmt::format("{}d.{} == {}", test.empty() ? "" : " && ", model_.symbols.of(name), model_.symbols.of(name));
    }
    out.line("static bool matches(const {}& d) {{ return {}; }}", call_.sizes, test);
    out.close(";");
  }

  bool has_example() const {
    return model_.options.specialize != Specialize::kDynamic && !call_.symbols.empty() &&
           std::ranges::all_of(call_.symbols, [&](const std::string& s) { return graph_.hints.contains(s); });
  }

  void emit_group_function(size_t index, Writer& out) {
    group_functions_.push_back(emit_group(group_, groups_[index], !call_.sizes.empty(), out));
  }

  void emit_function(Writer& out) {
    const bool sized = !call_.sizes.empty();
    const std::string body = has_example() ? model_.names.unique(call_.function + "_groups") : call_.function;
    out.blank();
    out.comment(summary());
    if (sized) out.line("template <class D>");
    out.open("static void {}(Context& ctx{}{})", body, sized ? ", const D& d" : "", parameters());
    emit_arena(out);
    const bool profile = model_.options.profile;
    if (profile) out.line("Stopwatch {};", model_.watch_name);
    for (size_t i = 0; i < groups_.size(); ++i) {
      out.line("{}(ctx{}{});", group_functions_[i].function, sized ? ", d" : "", call_operands(group_functions_[i]));
      if (profile) out.put(lap_of_group(groups_[i]));
    }
    for (size_t i = 0; i < copies_.size(); ++i) {
      emit_copy(group_, graph_.block(body_).results[copies_[i]], copy_names_[i], out);
      if (profile) out.put(lap_of_copy(graph_.block(body_).results[copies_[i]]));
    }
    out.close();
    if (has_example()) emit_choice(body, out);
  }

  std::string lap_of_group(NodeId id) const {
    const Node& group = graph_.node(id);
    return profile_lap(
        model_, model_.watch_name,
        {.method = "", .name = str_attribute(group, "name"), .kind = str_attribute(group, "kind"), .node = id},
        profile_work(model_, group, [&](const Dim& dim) { return size(dim); }));
  }

  std::string lap_of_copy(ValueId result) const {
    const Dim bytes = count(result) * Dim(2 * dtype_size(graph_.value(result).type.tensor.dtype));
    return profile_lap(model_, model_.watch_name, {.method = "", .name = "result", .kind = "copy"},
                       fmt::format("{{0, {}}}", size(bytes)));
  }

  void emit_arena(Writer& out) {
    if (buffers_.empty()) return;
    model_.headers.insert("runtime/core/arena.h");
    const std::string sizes = emit_slot_sizes(out);
    out.line("Arena<{}> arena(ctx, {{{}}});", slots_.size(), sizes);
    out.line("if (!ctx.ok()) return;");
    for (const Buffer& buffer : buffers_) {
      out.line("auto* const {} = arena.slot<{}>({});  // {}", buffer.name, buffer.element, buffer.slot,
               shape_comment(graph_, graph_.value(buffer.value).type));
    }
  }

  // The entry that compares the sizes once and picks a version.
  void emit_choice(const std::string& body, Writer& out) {
    std::string operands;
    for (const ValueId id : call_.inputs) operands += ", " + group_.pointers.at(id);
    for (size_t i = 0; i < graph_.block(body_).results.size(); ++i) operands += ", " + result_name(i);
    out.blank();
    out.open("static void {}(Context& ctx, const {}& d{})", call_.function, call_.sizes, parameters());
    out.line("if ({}Example::matches(d)) return {}(ctx, {}Example{{}}{});", call_.sizes, body, call_.sizes, operands);
    if (model_.options.specialize == Specialize::kStatic) {
      out.line(
          "ctx.fail(ErrorKind::kShape, \"this library was compiled with --static, for the example's sizes only\");");
    } else {
      out.line("{}(ctx, d{});", body, operands);
    }
    out.close();
  }
};

}  // namespace

RegionCall emit_region(ModelContext& model, const Node& region, const std::string& wish, Writer& out) {
  if (model.options.target.device) return emit_launched_region(model, region, wish);
  return HostRegion(model, region, wish).run(out);
}

}  // namespace tsc::codegen
