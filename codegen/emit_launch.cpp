// The launch layer of CUDA: cuda/core/launch.cuh runs what is written here, with the kernels of cuda/kernels/.
#include "codegen/emit_launch.h"

#include <sstream>

#include "codegen/group_emitter.h"
#include "codegen/region_emitter.h"
#include "codegen/runtime_files.h"

namespace tsc::codegen {

using namespace ir;

namespace {

// As cuda/kernels/attention.cuh has it.
constexpr int64_t kMostAttentionDepth = 256;

std::string device_obstacle(const Graph& graph, const Node& node) {
  switch (node.op) {
    case Op::lstm_scan:
    case Op::gru_scan:
    case Op::rnn_tanh_scan:
      return "the device has no kernel of this kind";
    case Op::scaled_dot_product_attention:
    case Op::softmax_attention:
      for (const char* name : {"query", "value"}) {
        const auto depth = graph.value(node.inputs[input_index(node.op, name)]).type.tensor.dims.back().constant();
        if (!depth || *depth > kMostAttentionDepth) return "the device's kernel has heads of at most 256 numbers";
      }
      return "";
    default:
      return "";
  }
}

class LaunchedGroup : public GroupEmitter {
 public:
  using GroupEmitter::GroupEmitter;

 private:
  std::string_view context() const override { return "Launch& launch"; }
  std::string_view failing() const override { return "launch.ctx()"; }
  std::string_view functor_attribute() const override { return "TSC_INLINE "; }
  std::string kernel_name(const Node& node) const override { return std::string(op_info(node.op).name); }
  int64_t channel_block() const override { return 1; }

  void use_kernel(std::string_view name) override {
    if (name == "math") {
      model_.device_headers.insert("runtime/kernels/math.h");
    } else {
      model_.device_headers.insert(fmt::format("cuda/kernels/{}.cuh", name));
    }
  }

  std::string weights(const std::string& element, size_t offset) const override {
    return element == "float" ? fmt::format("launch.weights({})", offset)
                              : fmt::format("launch.weights<{}>({})", element, offset);
  }
  size_t place_channels(const std::shared_ptr<const TensorConstant>& tensor, int64_t) override {
    return model_.weights.place(tensor);
  }

  void call_kernel(const KernelCall& call) override {
    // There is one layout, so kernels do not name it.
    std::string function = call.function;
    if (function.ends_with("_plain")) function.resize(function.size() - std::string_view("_plain").size());
    out_.line("{}{}(launch, {});", function, call.arguments, call.operands);
  }

  void emit_loops(const std::vector<Dim>& nest, const std::vector<Operand>& operands,
                  const std::string& functor) override {
    use_kernel("pointwise");
    std::string call = fmt::format("pointwise(launch, {{{}}}, out({}, {}), {}()", sizes(nest), operands[0].pointer,
                                   strides_of(operands[0]), functor);
    for (size_t i = 1; i < operands.size(); ++i) {
      call += fmt::format(", in({}, {})", operands[i].pointer, strides_of(operands[i]));
    }
    out_.line("{});", call);
  }

  void emit_linear(const Node& node) override {
    use_kernel("gemm");
    const auto weight = graph_.as_tensor(node.inputs[1]);
    const int64_t columns = weight->sizes[0], depth = weight->sizes[1];
    const std::string epilogue = emit_epilogue(node);
    const ValueId input = node.inputs[0];
    open_function();
    out_.line("const Linear p{{.rows = {}, .columns = {}, .depth = {}, .input_row = {}, .output_row = {}}};",
              size(rows_of(input)), columns, depth, size(*passes::row_stride(graph_, input, address(input))), columns);
    call_kernel({.function = "linear",
                 .arguments = "",
                 .operands = fmt::format("p, {}, {}, {}, {}, {}", pointer(input), pointer(node.inputs[1]),
                                         bias_pointer(node.inputs[2], 1), output_, epilogue),
                 .work_items = ""});
    out_.close();
  }

  void emit_conv2d(const Node& node) override {
    use_kernel("conv2d");
    const auto weight = graph_.as_tensor(node.inputs[1]);
    const std::string epilogue = emit_epilogue(node);
    open_conv2d(node);
    call_kernel({.function = "conv2d",
                 .arguments = fmt::format("<{}, {}>", weight->sizes[2], weight->sizes[3]),
                 .operands = fmt::format("p, {}, {}, {}, {}, {}", pointer(node.inputs[0]), pointer(node.inputs[1]),
                                         bias_pointer(node.inputs[2], 1), output_, epilogue),
                 .work_items = ""});
    out_.close();
  }

  void call_matmul(const Node&, const std::string& operands) override {
    call_kernel({.function = "matmul", .arguments = "", .operands = operands, .work_items = ""});
  }
  void call_attention(const std::string& operands, const std::optional<int64_t>&) override {
    call_kernel({.function = "attention", .arguments = "", .operands = operands, .work_items = ""});
  }
  void call_embedding(const std::string& table, const std::string& index, int64_t rows) override {
    call_kernel({.function = "embedding",
                 .arguments = "",
                 .operands = fmt::format("p, {}, {}, {}, {}, Identity()", rows, table, index, output_),
                 .work_items = ""});
  }
  void emit_scan(const Node&) override { TSC_ASSERT(false, "a scan is in a region of a device"); }
  void emit_reorder(const Node&) override { TSC_ASSERT(false, "a blocked image is in a region of a device"); }
};

class LaunchedRegion : public RegionEmitter {
 public:
  using RegionEmitter::RegionEmitter;

 private:
  void emit(Writer&) override {
    emit_sizes(model_.device_interface);
    model_.device_interface.blank();
    model_.device_interface.comment(summary());
    Writer& out = model_.device;
    std::vector<GroupFunction> functions;
    for (const NodeId id : groups_) functions.push_back(LaunchedGroup(group_, id, call_.sizes, out).run());

    model_.device_headers.insert("runtime/core/arena.h");
    model_.device_headers.insert("runtime/core/checks.h");
    const std::string signature =
        fmt::format("void {}(Context& ctx{}{})", call_.function,
                    call_.sizes.empty() ? "" : fmt::format(", const {}& d", call_.sizes), host_parameters());
    model_.device_interface.line("{};", signature);
    out.blank();
    out.comment(summary());
    out.open("{}", signature);
    out.line("Launch launch(ctx, device_weights);");
    const std::string sizes = emit_slot_sizes(out);
    if (!slots_.empty()) out.line("launch.reserve<{}>({{{}}});", slots_.size(), sizes);
    out.line("if (!launch.ok()) return;");
    for (const Buffer& buffer : buffers_) {
      out.line("auto* const {} = launch.slot<{}>({});  // {}", buffer.name, buffer.element, buffer.slot,
               shape_comment(graph_, graph_.value(buffer.value).type));
    }
    for (const ValueId input : call_.inputs) {
      const std::string& name = group_.pointers.at(input);
      out.line("const auto* const {} = launch.input<{}>({});  // {}", name,
               cpp_element(graph_.value(input).type.tensor.dtype), host_name(name),
               shape_comment(graph_, graph_.value(input).type));
    }
    const auto& results = graph_.block(body_).results;
    for (size_t i = 0; i < results.size(); ++i) {
      const std::string name = result_name(i);
      out.line("auto* const {} = launch.output<{}>({});  // {}", name,
               cpp_element(graph_.value(results[i]).type.tensor.dtype), host_name(name),
               shape_comment(graph_, graph_.value(results[i]).type));
    }
    out.line("if (!launch.ok()) return;");
    for (const GroupFunction& function : functions) {
      out.line("{}(launch{}{});", function.function, call_.sizes.empty() ? "" : ", d", call_operands(function));
    }
    for (size_t i = 0; i < copies_.size(); ++i) emit_result(results[copies_[i]], copy_names_[i], out);
    out.line("launch.finish();");
    out.close();
  }

  // A result that is a part of a buffer, or of an input or a constant, made dense.
  void emit_result(ValueId value, const std::string& destination, Writer& out) {
    model_.device_headers.insert("cuda/kernels/pointwise.cuh");
    const passes::Address& address = group_.addresses.at(value);
    std::vector<Dim> sizes = dims(value), from = address.strides, to = passes::dense_strides(sizes);
    if (sizes.empty()) sizes = from = to = {Dim(1)};
    const auto list = [&](const std::vector<Dim>& items) {
      std::string text;
      for (const Dim& item : items) text += (text.empty() ? "" : ", ") + size(item);
      return text;
    };
    std::string source =
        graph_.value(address.root).constant
            ? fmt::format("launch.weights<{}>({})", cpp_element(graph_.value(address.root).type.tensor.dtype),
                          model_.weights.place(graph_.as_tensor(address.root)))
            : group_.pointers.at(address.root);
    if (!address.offset.is_constant(0)) source += " + (" + size(address.offset) + ")";
    out.line("pointwise(launch, {{{}}}, out({}, {{{}}}), Copy(), in({}, {{{}}}));", list(sizes), destination, list(to),
             source, list(from));
  }

  // The tensor of an input or a result.
  const std::string& host_name(const std::string& name) {
    const auto [found, inserted] = host_names_.try_emplace(name, "");
    if (inserted) found->second = model_.names.unique(name + "_tensor");
    return found->second;
  }
  std::string host_parameters() {
    std::string text;
    for (const ValueId id : call_.inputs) {
      text += ", const Tensor& " + host_name(group_.pointers.at(id));
    }
    for (size_t i = 0; i < graph_.block(body_).results.size(); ++i)
      text += ", const Tensor& " + host_name(result_name(i));
    return text;
  }

  std::map<std::string, std::string> host_names_;
};

}  // namespace

std::string region_obstacle(const Target& target, const Graph& graph, const Node& node) {
  using passes::Floats;
  std::string obstacle =
      passes::region_obstacle(graph, node, target.device ? Floats::kSingleAndHalves : Floats::kSingle);
  return obstacle.empty() && target.device ? device_obstacle(graph, node) : obstacle;
}

RegionCall emit_launched_region(ModelContext& model, const Node& region, const std::string& wish) {
  Writer unused;
  return LaunchedRegion(model, region, wish).run(unused);
}

namespace {

std::string_view device_file(std::string_view name) {
  for (const EmbeddedFile& file : device_files()) {
    if (file.name == name) return file.text;
  }
  TSC_ASSERT(false, "{} is not embedded", name);
}

}  // namespace

std::vector<std::string> device_compile_options(const Target& target) {
  std::vector<std::string> options = {target.device->option};
  std::istringstream lines{std::string(device_file("cuda/cmake/nvcc.options"))};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("-")) options.push_back(line);
  }
  return options;
}

std::string device_build_template() { return std::string(device_file("cuda/cmake/device.cmake.in")); }

EmittedFile device_support() {
  Writer out;
  out.comment(
      "Functions that run when the library goes: CUDA's runtime registers some. Where the system's tools link, the");
  out.comment("compiler's own files bring these.");
  out.line("extern \"C\" int __cxa_atexit(void (*)(void*), void*, void*);");
  out.line("extern \"C\" void __cxa_finalize(void*);");
  out.line("static char library;");
  out.open("extern \"C\" __attribute__((visibility(\"hidden\"))) int atexit(void (*function)())");
  out.line(
      "return __cxa_atexit([](void* f) {{ reinterpret_cast<void (*)()>(f)(); }}, reinterpret_cast<void*>(function), "
      "&library);");
  out.close();
  out.line("[[gnu::destructor]] static void end() {{ __cxa_finalize(&library); }}");
  return {"device-support.cpp", out.text()};
}

EmittedFile device_header(const ModelContext& model, const std::string& id) {
  Writer out;
  out.comment(fmt::format("{}: what its host program calls in {}.cu.", model.graph.name, id));
  out.line("#pragma once");
  out.blank();
  out.line("#include \"runtime/core/checks.h\"");
  out.line("#include \"runtime/core/tensor.h\"");
  out.blank();
  out.line("namespace tsc::model_{} {{", id);
  out.blank();
  out.line("extern const DeviceTable device_table;");
  out.append(model.device_interface.text());
  out.blank();
  out.line("}}  // namespace tsc::model_{}", id);
  return {id + "_device.h", out.text()};
}

EmittedFile device_source(const ModelContext& model, const std::string& id) {
  Writer out;
  out.comment(
      fmt::format("{}: the part that runs on the device, for {}. Each group of ops is one function that launches one "
                  "kernel; a region is a run of groups with its memory.",
                  model.graph.name, model.options.target.name));
  out.line("#include \"cuda/core/launch.cuh\"");
  for (const std::string& header : model.device_headers) out.line("#include \"{}\"", header);
  out.line("#include \"{}_device.h\"", id);
  out.blank();
  const bool has_weights = model.weights.size > 0;
  if (has_weights) {
    out.line("extern \"C\" __attribute__((visibility(\"hidden\"))) const char {}[{}];", model.weights_symbol,
             model.weights.size);
    out.blank();
  }
  out.line("namespace tsc::kernels {{}}");
  out.line("namespace tsc::model_{} {{", id);
  out.blank();
  out.line("using namespace tsc::kernels;");
  out.line("using namespace tsc::cuda;");
  out.blank();
  out.comment("The constants in the data section, as they are on the device.");
  out.line("static DeviceWeights device_weights({}, {});", has_weights ? model.weights_symbol : "nullptr",
           model.weights.size);
  out.line("[[gnu::destructor]] static void release_device_weights() {{ device_weights.release(); }}");
  out.line("const DeviceTable device_table = kDeviceTable;");
  out.blank();
  out.append(model.device.text());
  out.blank();
  out.line("}}  // namespace tsc::model_{}", id);
  return {id + model.options.target.device->suffix, out.text()};
}

}  // namespace tsc::codegen
