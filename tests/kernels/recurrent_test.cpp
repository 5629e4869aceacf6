// Recurrent layers against the equations in double, from PyTorch's weight layout through the packing.
#include "runtime/kernels/recurrent.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "codegen/pack.h"
#include "codegen/pack_recurrent.h"

namespace tsc::kernels {
namespace {

std::vector<float> numbers(i64 count, uint32_t state) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& x : values) {
    state = state * 1664525u + 1013904223u;
    x = (static_cast<float>(state >> 8) * 0x1p-23f - 1) * 0.5f;
  }
  return values;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// Uneven ranges, to see that blocks of units are independent.
constexpr auto kParallel = [](i64 count, const auto& fn) {
  for (i64 part = 0; part < 3; ++part) fn(piece_of(count, 3, part).begin, piece_of(count, 3, part).end);
};

struct Layer {
  i64 steps, rows, inputs, hidden, gates;
  std::vector<float> x = numbers(steps * rows * inputs, 1);
  std::vector<float> input_weight = numbers(gates * hidden * inputs, 2);
  std::vector<float> hidden_weight = numbers(gates * hidden * hidden, 3);
  std::vector<float> input_bias = numbers(gates * hidden, 4);
  std::vector<float> hidden_bias = numbers(gates * hidden, 5);
  std::vector<float> first = numbers(rows * hidden, 6);
  std::vector<float> cell = numbers(rows * hidden, 7);
};

// The gates of x at all steps, with `bias`.
std::vector<float> gates_of(const Layer& l, const std::vector<float>& bias) {
  const i64 width = l.gates * l.hidden;
  const auto packed = codegen::pack_panels({l.input_weight.data(), l.inputs, width, 1, l.inputs}, kLanes, 1);
  const auto packed_bias = codegen::pack_channels(bias, kLanes, 1);
  std::vector<float> gates(l.steps * l.rows * width);
  const Linear p = {
      .rows = l.steps * l.rows, .columns = width, .depth = l.inputs, .input_row = l.inputs, .output_row = width};
  linear<4, 1>(p, l.x.data(), packed.data(), packed_bias.data(), gates.data(), Identity{}, 0,
               linear_work_items<4, 1>(p));
  return gates;
}

// Preactivations W x + b and W h + b of one row in double, gate by gate.
std::vector<double> affine(const std::vector<float>& weight, const std::vector<float>& bias, const double* x,
                           i64 depth) {
  std::vector<double> result(bias.begin(), bias.end());
  for (size_t i = 0; i < result.size(); ++i) {
    for (i64 k = 0; k < depth; ++k) result[i] += weight[i * depth + k] * x[k];
  }
  return result;
}

template <class Update>
void expect_states(const Layer& l, const std::vector<float>& output, bool reversed, Update update) {
  for (i64 row = 0; row < l.rows; ++row) {
    std::vector<double> h(l.hidden, 0.0);
    h.assign(l.first.begin() + row * l.hidden, l.first.begin() + (row + 1) * l.hidden);
    for (i64 s = 0; s < l.steps; ++s) {
      const i64 step = reversed ? l.steps - 1 - s : s;
      const float* at = l.x.data() + (step * l.rows + row) * l.inputs;
      const std::vector<double> x(at, at + l.inputs);
      const auto gx = affine(l.input_weight, l.input_bias, x.data(), l.inputs);
      const auto gh = affine(l.hidden_weight, l.hidden_bias, h.data(), l.hidden);
      for (i64 u = 0; u < l.hidden; ++u) h[u] = update(gx, gh, h[u], row, u);
      for (i64 u = 0; u < l.hidden; ++u)
        ASSERT_NEAR(output[(step * l.rows + row) * l.hidden + u], h[u], 3e-6) << step << " " << u;
    }
  }
}

// Hidden states of all steps, and behind them, for an LSTM, the cell states.
template <class Cell>
std::vector<float> run(const Layer& l, const Cell& cell, const std::vector<float>& bias, bool reversed) {
  const auto gates = gates_of(l, bias);
  const auto weight = codegen::pack_recurrent_weight(l.hidden_weight, l.gates, l.hidden, kLanes);
  EXPECT_EQ(static_cast<i64>(weight.size()), codegen::packed_recurrent_size(l.gates, l.hidden, kLanes));
  const i64 width = l.gates * l.hidden;
  std::vector<float> output(2 * l.steps * l.rows * l.hidden);
  const i64 direction = reversed ? -1 : 1, last = reversed ? l.steps - 1 : 0;
  const Recurrence p = {.steps = l.steps,
                        .rows = l.rows,
                        .hidden = l.hidden,
                        .gates_step = direction * l.rows * width,
                        .gates_row = width,
                        .output_step = direction * l.rows * l.hidden,
                        .output_row = l.hidden,
                        .initial_row = l.hidden};
  recurrent(p, cell, gates.data() + last * l.rows * width, weight.data(), l.first.data(),
            output.data() + last * l.rows * l.hidden, kParallel);
  return output;
}

const std::vector<std::pair<i64, i64>> kRowsAndHidden = {
    {1, 1}, {1, kLanes}, {1, 2 * kLanes + 3}, {2, 5}, {13, kLanes + 1}};

TEST(Recurrent, Lstm) {
  for (const auto& [rows, hidden] : kRowsAndHidden) {
    for (bool reversed : {false, true}) {
      const Layer l = {.steps = 4, .rows = rows, .inputs = 3, .hidden = hidden, .gates = 4};
      auto bias = l.input_bias;
      for (size_t i = 0; i < bias.size(); ++i) bias[i] += l.hidden_bias[i];
      const i64 step = rows * hidden, plane = l.steps * step;
      const LstmCell cell = {
          .initial = l.cell.data(), .initial_row = hidden, .plane = plane, .output_step = reversed ? -step : step};
      const auto output = run(l, cell, bias, reversed);
      std::vector<double> c(l.cell.begin(), l.cell.end());
      expect_states(l, output, reversed, [&](const auto& x, const auto& h, double, i64 row, i64 u) {
        const auto gate = [&](i64 g) { return x[g * hidden + u] + h[g * hidden + u]; };
        double& state = c[row * hidden + u];
        state = sigmoid(gate(1)) * state + sigmoid(gate(0)) * std::tanh(gate(2));
        return sigmoid(gate(3)) * std::tanh(state);
      });
      const float* const last = output.data() + plane + (reversed ? 0 : (l.steps - 1) * step);
      for (size_t i = 0; i < c.size(); ++i) EXPECT_NEAR(last[i], c[i], 3e-6);
    }
  }
}

TEST(Recurrent, Gru) {
  for (const auto& [rows, hidden] : kRowsAndHidden) {
    const Layer l = {.steps = 4, .rows = rows, .inputs = 5, .hidden = hidden, .gates = 3};
    auto bias = l.input_bias;
    for (i64 i = 0; i < 2 * hidden; ++i) bias[i] += l.hidden_bias[i];
    std::vector<float> new_bias(l.hidden_bias.begin() + 2 * hidden, l.hidden_bias.end());
    new_bias.resize(round_up(hidden, kLanes));
    const auto output = run(l, GruCell{new_bias.data()}, bias, false);
    expect_states(l, output, false, [&](const auto& x, const auto& h, double before, i64, i64 u) {
      const double reset = sigmoid(x[u] + h[u]), keep = sigmoid(x[hidden + u] + h[hidden + u]);
      const double candidate = std::tanh(x[2 * hidden + u] + reset * h[2 * hidden + u]);
      return (1 - keep) * candidate + keep * before;
    });
  }
}

TEST(Recurrent, Tanh) {
  const Layer l = {.steps = 3, .rows = 9, .inputs = 4, .hidden = kLanes + 2, .gates = 1};
  auto bias = l.input_bias;
  for (size_t i = 0; i < bias.size(); ++i) bias[i] += l.hidden_bias[i];
  const auto output = run(l, TanhCell{}, bias, false);
  expect_states(l, output, false,
                [](const auto& x, const auto& h, double, i64, i64 u) { return std::tanh(x[u] + h[u]); });
}

}  // namespace
}  // namespace tsc::kernels
