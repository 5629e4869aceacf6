// One direction of one layer of an LSTM, GRU or Elman network, in float. With G gates per unit (LSTM 4: input, forget,
// cell, output; GRU 3: reset, update, new; tanh network 1):
//
//   recurrent(p, LstmCell{...}, gates, weight, initial, output, parallel)
//
//   gates    G * hidden contiguous floats at step * gates_step + row * gates_row, gate by gate: what the input
//            contributes, with the biases, of all steps, by one product
//   weight   hidden to hidden, [units / kLanes][hidden][G][kLanes] (codegen/pack_recurrent.h), where units is hidden
//            rounded up to whole vectors
//   initial  the hidden state before the first step, rows `initial_row` apart
//   output   the hidden state of each step, `hidden` contiguous floats at step * output_step + row * output_row; the
//            next step reads it from there, the final one is the last step's
//   parallel parallel(count, fn) calls fn(begin, end) for ranges that cover [0, count) and returns when all are done
//
// A panel of the weight gives all gates of kLanes units, so that the cell's update follows in registers. A step streams
// the weight once; rows of a batch share it in register tiles. A reversed direction has negative steps.
#pragma once

#include "runtime/kernels/gemm.h"
#include "runtime/kernels/math.h"
#include "runtime/kernels/tile.h"

namespace tsc::kernels {

struct Recurrence {
  isize steps = 0, rows = 1, hidden = 0;
  isize gates_step = 0, gates_row = 0;
  isize output_step = 0, output_row = 0;
  isize initial_row = 0;
};

// Some units of a row at a step; `output` is where their hidden state goes.
struct RecurrentPlace {
  isize step, row, unit, lanes;
  float* output;
};

// The cell states, which lie `plane` floats behind the hidden states of the same step; the first are `initial`'s.
struct LstmCell {
  static constexpr int kGates = 4;
  const float* initial;
  isize initial_row, plane, output_step;

  // The next hidden state of some units from those of gates and of the state before.
  TSC_INLINE VecF update(const VecF (&x)[kGates], const VecF (&h)[kGates], VecF, const RecurrentPlace& at) const {
    float* const cell = at.output + plane;
    const float* const before = at.step == 0 ? initial + at.row * initial_row + at.unit : cell - output_step;
    const VecF input = math::sigmoid(x[0] + h[0]);
    const VecF forget = math::sigmoid(x[1] + h[1]);
    const VecF candidate = math::tanh(x[2] + h[2]);
    const VecF output = math::sigmoid(x[3] + h[3]);
    const VecF next = fma(forget, load_partial<VecF>(before, at.lanes), input * candidate);
    store_partial(cell, next, at.lanes);
    return output * math::tanh(next);
  }
};

// `new_bias` is the hidden bias of the new gate, padded to whole vectors; null for none. The gates of the input hold the
// hidden biases of reset and update.
struct GruCell {
  static constexpr int kGates = 3;
  const float* new_bias;

  TSC_INLINE VecF update(const VecF (&x)[kGates], const VecF (&h)[kGates], VecF before, const RecurrentPlace& at) const {
    const VecF reset = math::sigmoid(x[0] + h[0]);
    const VecF keep = math::sigmoid(x[1] + h[1]);
    const VecF bias = new_bias != nullptr ? load<VecF>(new_bias + at.unit) : splat<VecF>(0);
    const VecF candidate = math::tanh(fma(reset, h[2] + bias, x[2]));
    return fma(keep, before - candidate, candidate);
  }
};

struct TanhCell {
  static constexpr int kGates = 1;

  TSC_INLINE VecF update(const VecF (&x)[kGates], const VecF (&h)[kGates], VecF, const RecurrentPlace&) const {
    return math::tanh(x[0] + h[0]);
  }
};

// Blocks of units that are worth a thread of their own at one step.
template <class Cell>
isize recurrent_grain(const Recurrence& p) {
  constexpr isize kWork = 1 << 15;  // multiplications
  return larger(1, kWork / larger(1, p.rows * p.hidden * Cell::kGates * kLanes));
}

namespace detail {

// Units of blocks [begin, end) at one step.
template <class Cell>
inline void recurrent_step(const Recurrence& p, const Cell& cell, isize step, const float* gates, const float* weight,
                           const float* before, isize before_row, float* output, isize begin, isize end) {
  constexpr int kGates = Cell::kGates;
  constexpr int kRows = kTileRows<kGates>;
  constexpr isize kWidth = kGates * kLanes;
  alignas(64) float sums[kRows * kWidth];
  ProductTile tile = {.depth = p.hidden, .a_row = before_row, .b_depth = kWidth};
  tile.output = sums;
  tile.output_row = kWidth;
  tile.output_vector = kLanes;
  const isize row_blocks = ceil_div(p.rows, kRows);
  TSC_NO_UNROLL
  for (isize block = begin; block < end; ++block) {
    const isize unit = block * kLanes;
    const isize lanes = smaller(kLanes, p.hidden - unit);
    tile.b = weight + block * p.hidden * kWidth;
    TSC_NO_UNROLL
    for (isize b = 0; b < row_blocks; ++b) {
      const Piece rows = piece_of(p.rows, row_blocks, b);
      tile.a = before + rows.begin * before_row;
      product_rows<kRows, kGates>(rows.size(), tile);
      TSC_NO_UNROLL
      for (isize row = rows.begin; row < rows.end; ++row) {
        const float* input_gates = gates + row * p.gates_row + unit;
        const float* hidden_gates = sums + (row - rows.begin) * kWidth;
        VecF x[kGates], h[kGates];
        TSC_UNROLL
        for (int g = 0; g < kGates; ++g) {
          x[g] = load_partial<VecF>(input_gates + g * p.hidden, lanes);
          h[g] = load<VecF>(hidden_gates + g * kLanes);
        }
        const VecF last = load_partial<VecF>(before + row * before_row + unit, lanes);
        const RecurrentPlace at = {step, row, unit, lanes, output + row * p.output_row + unit};
        store_partial(at.output, cell.update(x, h, last, at), lanes);
      }
    }
  }
}

}  // namespace detail

template <class Cell, class Parallel>
void recurrent(Recurrence p, const Cell& cell, const float* gates, const float* weight, const float* initial,
               float* output, const Parallel& parallel) {
  const float* before = initial;
  isize before_row = p.initial_row;
  TSC_NO_UNROLL
  for (isize step = 0; step < p.steps; ++step) {
    float* const now = output + step * p.output_step;
    const float* const step_gates = gates + step * p.gates_step;
    parallel(ceil_div(p.hidden, kLanes), [&](isize begin, isize end) {
      detail::recurrent_step(p, cell, step, step_gates, weight, before, before_row, now, begin, end);
    });
    before = now;
    before_row = p.output_row;
  }
}

}  // namespace tsc::kernels
