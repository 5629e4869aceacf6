#include "passes/lower_recurrent.h"

#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/tensor_data.h"

namespace tsc::passes {

using namespace ir;

namespace {

// Weights of one direction of one layer; biases are null without them.
struct CellWeights {
  ValueId input_weight, hidden_weight;
  std::shared_ptr<const TensorConstant> input_bias, hidden_bias;
};

struct Network {
  Op scan;
  int64_t gates, hidden, layers, directions;
  bool batch_first;
  std::vector<CellWeights> cells;  // by layer and direction
};

bool is_f32(const Graph& graph, ValueId id, size_t rank) {
  const Type& type = graph.value(id).type;
  return type.is_ranked_tensor() && type.tensor.dtype == DType::kFloat32 && type.tensor.dims.size() == rank;
}

Op scan_of(Op op) {
  if (op == Op::lstm || op == Op::lstm_cell) return Op::lstm_scan;
  return op == Op::gru || op == Op::gru_cell ? Op::gru_scan : Op::rnn_tanh_scan;
}
int64_t gates_of(Op scan) { return scan == Op::lstm_scan ? 4 : scan == Op::gru_scan ? 3 : 1; }

// The weights of a direction, or of a cell, from its operands: two weights and, where there are any, two biases.
// nullopt unless they are constants in float that fit each other.
std::optional<CellWeights> read_weights(const Graph& graph, const std::vector<ValueId>& operands, int64_t gates) {
  for (size_t k = 0; k < operands.size(); ++k) {
    if (!graph.as_tensor(operands[k]) || !is_f32(graph, operands[k], k < 2 ? 2 : 1)) return std::nullopt;
  }
  CellWeights cell{operands[0], operands[1], nullptr, nullptr};
  const auto hidden_weight = graph.as_tensor(cell.hidden_weight);
  const int64_t hidden = hidden_weight->sizes[1], rows = gates * hidden;
  if (hidden < 1 || hidden_weight->sizes[0] != rows || graph.as_tensor(cell.input_weight)->sizes[0] != rows)
    return std::nullopt;
  if (operands.size() > 2) {
    cell.input_bias = graph.as_tensor(operands[2]);
    cell.hidden_bias = graph.as_tensor(operands[3]);
    if (cell.input_bias->sizes[0] != rows || cell.hidden_bias->sizes[0] != rows) return std::nullopt;
  }
  return cell;
}

// What is asked of the operands; nullopt where something is told at run time, or where a layer projects its state.
std::optional<Network> read_network(Graph& graph, const Node& node) {
  const auto input = [&](const char* name) { return node.inputs[input_index(node.op, name)]; };
  const auto layers = graph.as_int(input("num_layers"));
  const auto biases = graph.as_bool(input("has_biases")), bidirectional = graph.as_bool(input("bidirectional")),
             batch_first = graph.as_bool(input("batch_first")), train = graph.as_bool(input("train"));
  const auto dropout = graph.as_double(input("dropout"));
  const auto params = graph.as_elements(input("params"));
  if (!layers || !biases || !bidirectional || !batch_first || !train || !dropout || !params) return std::nullopt;
  if (*train && *dropout > 0 && *layers > 1) return std::nullopt;
  if (!is_f32(graph, input("input"), 3)) return std::nullopt;
  const Op scan = scan_of(node.op);
  Network network{.scan = scan,
                  .gates = gates_of(scan),
                  .hidden = 0,
                  .layers = *layers,
                  .directions = *bidirectional ? 2 : 1,
                  .batch_first = *batch_first,
                  .cells = {}};
  const size_t each = *biases ? 4 : 2;
  if (network.layers < 1 || params->size() != static_cast<size_t>(network.layers * network.directions) * each)
    return std::nullopt;
  for (auto first = params->begin(); first != params->end(); first += static_cast<ptrdiff_t>(each)) {
    auto cell = read_weights(graph, std::vector<ValueId>(first, first + static_cast<ptrdiff_t>(each)), network.gates);
    if (!cell) return std::nullopt;
    network.hidden = graph.as_tensor(cell->hidden_weight)->sizes[1];
    network.cells.push_back(*std::move(cell));
  }
  return network;
}

class Lowering {
 public:
  Lowering(Graph& graph, NodeId at, Network network)
      : graph_(graph), at_(at), node_(graph.node(at)), network_(std::move(network)) {}

  // A cell is a scan of one step.
  void run_cell(const std::vector<ValueId>& state) {
    const CellWeights& cell = network_.cells[0];
    const ValueId x = node_.inputs[0];
    const ValueId gates =
        make(Op::linear, {x, cell.input_weight, gates_bias(cell)}, with_last(x, network_.gates * network_.hidden));
    const ValueId scan = make_scan(unsqueeze(gates), cell, state, false);
    if (network_.scan == Op::lstm_scan) {
      replace(0, select(select(scan, 0, 0), 0, 0));
      replace(1, select(select(scan, 0, 1), 0, 0));
    } else {
      replace(0, select(scan, 0, 0));
    }
    graph_.remove(at_);
  }

  void run(const std::vector<ValueId>& initial) {
    ValueId x = node_.inputs[0];
    std::vector<ValueId> final_h, final_c;
    for (int64_t layer = 0; layer < network_.layers; ++layer) {
      // The first layer's input keeps its order, since a product of all steps asks for none; its gates are turned.
      const bool turned = layer == 0 && network_.batch_first;
      std::vector<ValueId> outputs;
      for (int64_t direction = 0; direction < network_.directions; ++direction) {
        const int64_t index = layer * network_.directions + direction;
        const CellWeights& cell = network_.cells[static_cast<size_t>(index)];
        ValueId gates =
            make(Op::linear, {x, cell.input_weight, gates_bias(cell)}, with_last(x, network_.gates * network_.hidden));
        if (turned) gates = transpose(gates);
        std::vector<ValueId> state;
        for (const ValueId hx : initial) state.push_back(select(hx, 0, index));
        const bool reverse = direction == 1;
        const ValueId scan = make_scan(gates, cell, state, reverse);
        const bool has_cell = network_.scan == Op::lstm_scan;
        const ValueId h = has_cell ? select(scan, 0, 0) : scan;
        outputs.push_back(h);
        final_h.push_back(select(h, 0, reverse ? 0 : -1));
        if (has_cell) final_c.push_back(select(select(scan, 0, 1), 0, reverse ? 0 : -1));
      }
      x = outputs.size() == 1 ? outputs[0] : cat(outputs, 2);
    }
    replace(0, network_.batch_first ? transpose(x) : x);
    replace(1, stack(final_h));
    if (!final_c.empty()) replace(2, stack(final_c));
    graph_.remove(at_);
  }

 private:
  std::vector<Dim> dims(ValueId id) const { return graph_.value(id).type.tensor.dims; }

  ValueId make(Op op, std::vector<ValueId> inputs, std::vector<Dim> result) {
    const NodeId made =
        graph_.make_node(op, std::move(inputs), {Type::make_tensor(DType::kFloat32, std::move(result))}, node_.source);
    graph_.insert_before(made, at_);
    return graph_.node(made).outputs[0];
  }
  std::vector<Dim> with_last(ValueId x, int64_t size) const {
    std::vector<Dim> result = dims(x);
    result.back() = Dim(size);
    return result;
  }
  ValueId select(ValueId x, int64_t axis, int64_t index) {
    std::vector<Dim> result = dims(x);
    result.erase(result.begin() + axis);
    return make(Op::select, {x, graph_.constant_int(axis), graph_.constant_int(index)}, std::move(result));
  }
  ValueId transpose(ValueId x) {
    std::vector<Dim> result = dims(x);
    std::swap(result[0], result[1]);
    return make(Op::transpose, {x, graph_.constant_int(0), graph_.constant_int(1)}, std::move(result));
  }
  ValueId cat(const std::vector<ValueId>& parts, int64_t axis) {
    std::vector<Dim> result = dims(parts[0]);
    result[static_cast<size_t>(axis)] = result[static_cast<size_t>(axis)] * Dim(static_cast<int64_t>(parts.size()));
    const NodeId list = graph_.make_node(Op::list, parts, {Type::list(Type::make_tensor())}, node_.source);
    graph_.insert_before(list, at_);
    return make(Op::cat, {graph_.node(list).outputs[0], graph_.constant_int(axis)}, std::move(result));
  }
  ValueId unsqueeze(ValueId x) {
    std::vector<Dim> result = dims(x);
    result.insert(result.begin(), Dim(1));
    return make(Op::unsqueeze, {x, graph_.constant_int(0)}, std::move(result));
  }
  ValueId stack(const std::vector<ValueId>& parts) {
    std::vector<ValueId> rows;
    for (const ValueId part : parts) rows.push_back(unsqueeze(part));
    return rows.size() == 1 ? rows[0] : cat(rows, 0);
  }

  // Both biases are added to the same sums, but that of the GRU's new gate, which is added to the hidden state's part
  // before the reset gate scales it.
  ValueId gates_bias(const CellWeights& cell) {
    if (cell.input_bias == nullptr) return graph_.constant_none();
    std::vector<Element> sums = read_elements(*cell.input_bias);
    const std::vector<Element> hidden = read_elements(*cell.hidden_bias);
    const size_t shared = network_.scan == Op::gru_scan ? 2 * static_cast<size_t>(network_.hidden) : sums.size();
    for (size_t i = 0; i < shared; ++i) sums[i] = std::get<double>(sums[i]) + std::get<double>(hidden[i]);
    return add_constant(cell.input_bias->name, sums);
  }
  ValueId new_gate_bias(const CellWeights& cell) {
    if (cell.hidden_bias == nullptr) return graph_.constant_none();
    std::vector<Element> bias = read_elements(*cell.hidden_bias);
    bias.erase(bias.begin(), bias.begin() + 2 * network_.hidden);
    return add_constant(cell.hidden_bias->name, bias);
  }
  ValueId add_constant(const std::string& name, const std::vector<Element>& elements) {
    const auto count = static_cast<int64_t>(elements.size());
    return graph_.add_constant(
        {std::shared_ptr<const TensorConstant>(make_tensor_constant(name, DType::kFloat32, {count}, elements))},
        Type::make_tensor(DType::kFloat32, {Dim(count)}), name);
  }

  ValueId make_scan(ValueId gates, const CellWeights& cell, const std::vector<ValueId>& state, bool reverse) {
    std::vector<ValueId> inputs = {gates, cell.hidden_weight};
    if (network_.scan == Op::gru_scan) inputs.push_back(new_gate_bias(cell));
    inputs.insert(inputs.end(), state.begin(), state.end());
    inputs.push_back(graph_.constant_bool(reverse));
    std::vector<Dim> result = with_last(gates, network_.hidden);
    if (network_.scan == Op::lstm_scan) result.insert(result.begin(), Dim(2));
    return make(network_.scan, std::move(inputs), std::move(result));
  }

  void replace(size_t output, ValueId by) {
    graph_.value(by).name = graph_.value(node_.outputs[output]).name;
    graph_.replace_uses(node_.outputs[output], by);
  }

  Graph& graph_;
  const NodeId at_;
  const Node node_;
  const Network network_;
};

// The two states of an LSTM, which nobody writes; the one of another network.
std::optional<std::vector<ValueId>> read_states(Graph& graph, const Node& node, const ContainerClasses& containers) {
  if (scan_of(node.op) != Op::lstm_scan) return std::vector<ValueId>{node.inputs[1]};
  if (containers.is_mutated(node.inputs[1])) return std::nullopt;
  const auto states = graph.as_elements(node.inputs[1]);
  if (!states || states->size() != 2) return std::nullopt;
  return *states;
}

}  // namespace

bool lower_recurrent_cell(Graph& graph, NodeId id, const ContainerClasses& containers) {
  const Node node = graph.node(id);
  const auto states = read_states(graph, node, containers);
  if (!states || !is_f32(graph, node.inputs[0], 2)) return false;
  const auto& input = graph.value(node.inputs[0]).type.tensor.dims;
  std::vector<ValueId> weights;
  for (size_t i = input_index(node.op, "w_ih"); i < node.inputs.size(); ++i) {
    if (!graph.is_none(node.inputs[i])) weights.push_back(node.inputs[i]);
  }
  if (weights.size() != 2 && weights.size() != 4) return false;
  const Op scan = scan_of(node.op);
  auto cell = read_weights(graph, weights, gates_of(scan));
  if (!cell) return false;
  const int64_t hidden = graph.as_tensor(cell->hidden_weight)->sizes[1];
  for (const ValueId state : *states) {
    if (!is_f32(graph, state, 2)) return false;
    const auto& dims = graph.value(state).type.tensor.dims;
    if (dims[0] != input[0] || !dims[1].is_constant(hidden)) return false;
  }
  Network network{.scan = scan,
                  .gates = gates_of(scan),
                  .hidden = hidden,
                  .layers = 1,
                  .directions = 1,
                  .batch_first = false,
                  .cells = {*std::move(cell)}};
  Lowering(graph, id, std::move(network)).run_cell(*states);
  return true;
}

bool lower_recurrent(Graph& graph, NodeId id, const ContainerClasses& containers) {
  const Node node = graph.node(id);
  auto network = read_network(graph, node);
  if (!network) return false;
  const auto initial = read_states(graph, node, containers);
  if (!initial) return false;
  for (const ValueId hx : *initial) {
    const int64_t cells = network->layers * network->directions;
    if (!is_f32(graph, hx, 3) || !graph.value(hx).type.tensor.dims[0].is_constant(cells)) return false;
  }
  Lowering(graph, id, *std::move(network)).run(*initial);
  return true;
}

}  // namespace tsc::passes
